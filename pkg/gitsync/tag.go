package gitsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// TagInfo is what an annotated tag says besides its commit.
type TagInfo struct {
	Message string
	Tagger  Person
	Time    time.Time
	// Signer signs the tag; nil leaves it unsigned.
	Signer Signer
}

// CommitAndTag makes a commit of the edit on top of parent and an annotated tag
// on that commit, in one pack. No branch moves. The tag's name appears last, so a
// restore point is there completely or not at all; a name that is taken is
// [ErrTagExists].
//
// The tree of the commit may equal that of its parent. Afterwards the edit goes
// on from the new commit.
func (r *Repository) CommitAndTag(ctx context.Context, name string, e *Edit, parent Hash, c CommitInfo, t TagInfo) (commit, tag Hash,
	err error,
) {
	ref := object.TagRefs + name
	if err := object.CheckRefName(ref); err != nil {
		return Hash{}, Hash{}, err
	}
	if !parent.IsZero() {
		// A commit without its parent would be a broken restore point.
		if _, err := r.ReadCommit(parent); err != nil {
			return Hash{}, Hash{}, fmt.Errorf("tag %s: parent: %w", name, err)
		}
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	unlock, err := r.lock(ctx)
	if err != nil {
		return Hash{}, Hash{}, err
	}
	defer unlock()
	if err := r.refs.Expect(ref, Hash{}); err != nil {
		return Hash{}, Hash{}, tagTaken(name, err)
	}

	built, err := e.build()
	if err != nil {
		return Hash{}, Hash{}, fmt.Errorf("tag %s: %w", name, err)
	}
	commitObject, err := newCommit(built.root, parent, c)
	if err != nil {
		return Hash{}, Hash{}, fmt.Errorf("tag %s: %w", name, err)
	}

	tagObject, err := newTag(name, commitObject.ID, t)
	if err != nil {
		return Hash{}, Hash{}, fmt.Errorf("tag %s: %w", name, err)
	}
	if err := e.store(built, tagObject, commitObject); err != nil {
		return Hash{}, Hash{}, pack.DiskError(r.dir, fmt.Errorf("tag %s: %w", name, err))
	}
	if err := r.refs.Move(ctx, ref, Hash{}, tagObject.ID); err != nil {
		return Hash{}, Hash{}, pack.DiskError(r.dir, tagTaken(name, err))
	}
	e.settle(commitObject.ID)
	r.rollUp(ctx)
	return commitObject.ID, tagObject.ID, nil
}

func tagTaken(name string, err error) error {
	if errors.Is(err, ErrRefMoved) {
		return appbur.WithHint(fmt.Errorf("tag %s: %w", name, ErrTagExists), "tags never move; choose another name")
	}
	return fmt.Errorf("tag %s: %w", name, err)
}

// newTag encodes, signs and compresses an annotated tag of a commit. A tag's
// signature is the end of its message.
func newTag(name string, commit Hash, t TagInfo) (pack.Object, error) {
	message := strings.TrimSpace(object.CleanText(t.Message))
	if message == "" {
		return pack.Object{}, errors.New("the message is empty")
	}
	if t.Time.Unix() < 0 {
		return pack.Object{}, errors.New("git has no time before 1970")
	}

	for _, begin := range object.SignatureBegins {
		if strings.Contains("\n"+message, "\n"+begin) {
			return pack.Object{}, errors.New("the message contains a signature")
		}
	}

	content := fmt.Appendf(nil, "object %s\ntype commit\ntag %s\ntagger %s\n\n%s\n", commit, name, object.FormatIdentity(t.Tagger, t.Time),
		message)
	if t.Signer != nil {
		armored, err := t.Signer.Sign(content)
		if err != nil {
			return pack.Object{}, fmt.Errorf("sign: %w", err)
		}
		content = append(append(content, bytes.TrimRight(armored, "\n")...), '\n')
	}

	return pack.NewObject(plumbing.TagObject, content)
}

// Tags returns the tags whose short name starts with a prefix, sorted by name. A tag
// that is damaged or no tag of a commit is among them with the reason, so that one
// bad tag does not hide the others.
func (r *Repository) Tags(prefix string) ([]Tag, error) {
	refs, err := r.refs.List(object.TagRefs + prefix)
	if err != nil {
		return nil, err
	}
	tags := make([]Tag, 0, len(refs))
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		tag, err := r.tagOf(name, refs[name])
		if errors.Is(err, ErrRefNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, err
		}
		tag.Name = strings.TrimPrefix(name, object.TagRefs)
		tags = append(tags, tag)
	}
	return tags, nil
}

// tagOf reads the tag that a ref of the given content leads to. The damage of one that
// cannot be read is in it; an error is one that may be over the next time, or
// [ErrRefNotFound] if the tag is gone.
func (r *Repository) tagOf(name, text string) (Tag, error) {
	id, err := r.refs.Target(name, text)
	var tag Tag
	if err == nil {
		tag, err = r.readTag(id)
	}
	if err == nil || errors.Is(err, ErrRefNotFound) {
		return tag, err
	}

	err = fmt.Errorf("tag %s: %w", name, err)
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrObjectNotFound) && !errors.Is(err, ErrTooLarge) {
		return Tag{}, err
	}
	// Whoever deletes a tag may prune what it pointed at before we have read it.
	if !r.refs.Exists(name) {
		return Tag{}, fmt.Errorf("%w: %s", ErrRefNotFound, name)
	}
	return Tag{Object: id, Damage: err}, nil
}

func (r *Repository) readTag(id Hash) (Tag, error) {
	o, err := r.objects.Read(id)
	if err != nil {
		return Tag{}, err
	}
	switch o.Kind {
	case plumbing.CommitObject:
		return Tag{Commit: id}, nil
	case plumbing.TagObject:
		tag, err := object.ParseTag(o.Data)
		tag.Object = id
		return tag, err
	default:
		return Tag{}, fmt.Errorf("%w: it points at a %s", ErrCorrupt, o.Kind)
	}
}
