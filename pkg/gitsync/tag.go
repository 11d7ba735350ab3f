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
)

const tagRefs = "refs/tags/"

// TagInfo is what an annotated tag says besides its commit.
type TagInfo struct {
	Message string
	Tagger  Person
	Time    time.Time
	// Signer signs the tag; nil leaves it unsigned.
	Signer Signer
}

// Tag is a tag as it is stored.
type Tag struct {
	// Name is the short name, without "refs/tags/".
	Name string
	// Object is the tag object, empty for a lightweight tag, which has nothing
	// but a name and a commit.
	Object Hash
	// Commit is what the tag points at.
	Commit  Hash
	Message string
	Tagger  Person
	Time    time.Time
	// Payload is what was signed and Signature the armored signature, nil if
	// there is none.
	Payload   []byte
	Signature []byte
	// Damage is why the tag cannot be read, nil if it can. Then only Name and Object
	// are set, the latter to whatever the ref names, "" if it names nothing.
	Damage error
}

// CommitAndTag makes a commit of the edit on top of parent and an annotated tag
// on that commit, in one pack. No branch moves. The tag's name appears last, so a
// restore point is there whole or not at all; a name that is taken is
// [ErrTagExists].
//
// The tree of the commit may equal that of its parent. Afterwards the edit goes
// on from the new commit.
func (r *Repository) CommitAndTag(ctx context.Context, name string, e *Edit, parent Hash, c CommitInfo, t TagInfo) (commit, tag Hash,
	err error,
) {
	ref := tagRefs + name
	if err := checkRefName(ref); err != nil {
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
	if err := r.expectRef(ref, Hash{}); err != nil {
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

	tagObject, err := newTag(name, commitObject.id, t)
	if err != nil {
		return Hash{}, Hash{}, fmt.Errorf("tag %s: %w", name, err)
	}
	if err := e.store(built, tagObject, commitObject); err != nil {
		return Hash{}, Hash{}, storageError(r.dir, fmt.Errorf("tag %s: %w", name, err))
	}
	if err := r.moveRef(ctx, ref, Hash{}, tagObject.id); err != nil {
		return Hash{}, Hash{}, storageError(r.dir, tagTaken(name, err))
	}
	e.settle(commitObject.id)
	r.rollUp(ctx)
	return commitObject.id, tagObject.id, nil
}

func tagTaken(name string, err error) error {
	if errors.Is(err, ErrRefMoved) {
		return appbur.WithHint(fmt.Errorf("tag %s: %w", name, ErrTagExists), "tags never move; choose another name")
	}
	return fmt.Errorf("tag %s: %w", name, err)
}

// newTag encodes, signs and compresses an annotated tag of a commit. A tag's
// signature is the end of its message.
func newTag(name string, commit Hash, t TagInfo) (deflated, error) {
	message := strings.TrimSpace(cleanText(t.Message))
	if message == "" {
		return deflated{}, errors.New("the message is empty")
	}
	if t.Time.Unix() < 0 {
		return deflated{}, errors.New("git has no time before 1970")
	}

	for _, begin := range signatureBegins {
		if strings.Contains("\n"+message, "\n"+begin) {
			return deflated{}, errors.New("the message contains a signature")
		}
	}

	content := fmt.Appendf(nil, "object %s\ntype commit\ntag %s\ntagger %s\n\n%s\n", commit, name, identityLine(t.Tagger, t.Time), message)
	if t.Signer != nil {
		armored, err := t.Signer.Sign(content)
		if err != nil {
			return deflated{}, fmt.Errorf("sign: %w", err)
		}
		content = append(append(content, bytes.TrimRight(armored, "\n")...), '\n')
	}

	return newObject(plumbing.TagObject, content)
}

// signatureBegins are the first lines of the signatures that git recognises at
// the end of a tag.
var signatureBegins = []string{
	"-----BEGIN SSH SIGNATURE-----",
	"-----BEGIN PGP SIGNATURE-----",
	"-----BEGIN PGP MESSAGE-----",
	"-----BEGIN SIGNED MESSAGE-----",
}

// Tags returns the tags whose short name starts with a prefix, sorted by name. A tag
// that is damaged or no tag of a commit is among them with the reason, so that one
// bad tag does not hide the others.
func (r *Repository) Tags(prefix string) ([]Tag, error) {
	refs, err := r.listRefs(tagRefs + prefix)
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
		tag.Name = strings.TrimPrefix(name, tagRefs)
		tags = append(tags, tag)
	}
	return tags, nil
}

// tagOf reads the tag that a ref of the given content leads to. The damage of one that
// cannot be read is in it; an error is one that may be over the next time, or
// [ErrRefNotFound] if the tag is gone.
func (r *Repository) tagOf(name, text string) (Tag, error) {
	id, err := refTarget(name, text)
	if strings.HasPrefix(text, symbolicPrefix) {
		id, err = r.resolve(name)
	}
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
	if _, gone := r.readRef(name); errors.Is(gone, ErrRefNotFound) {
		return Tag{}, gone
	}
	return Tag{Object: id, Damage: err}, nil
}

func (r *Repository) readTag(id Hash) (Tag, error) {
	o, err := r.objects.read(id)
	if err != nil {
		return Tag{}, err
	}
	switch o.kind {
	case plumbing.CommitObject:
		return Tag{Commit: id}, nil
	case plumbing.TagObject:
		tag, err := parseTag(o.data)
		tag.Object = id
		return tag, err
	default:
		return Tag{}, fmt.Errorf("%w: it points at a %s", ErrCorrupt, o.kind)
	}
}

// parseTag reads the bytes of an annotated tag of a commit.
func parseTag(data []byte) (Tag, error) {
	var t Tag
	var err error
	header, body, found := strings.Cut(string(data), "\n\n")
	if !found {
		return Tag{}, fmt.Errorf("%w: tag without a message", ErrCorrupt)
	}

	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "object":
			t.Commit, err = ParseHash(value)
		case "type":
			if value != "commit" {
				err = fmt.Errorf("tag of a %s", value)
			}
		case "tagger":
			t.Tagger, t.Time, err = parseIdentity(value)
		}
		if err != nil {
			return Tag{}, fmt.Errorf("%w: header %s: %w", ErrCorrupt, key, err)
		}
	}

	if t.Commit.IsZero() {
		return Tag{}, fmt.Errorf("%w: tag without an object", ErrCorrupt)
	}
	t.Message = body
	if at := signatureStart(body); at >= 0 {
		t.Message = body[:at]
		t.Signature = []byte(body[at:])
		t.Payload = data[:len(data)-len(t.Signature)]
	}
	return t, nil
}

// signatureStart returns where the last signature begins, -1 if there is none.
func signatureStart(body string) int {
	start := -1
	for _, begin := range signatureBegins {
		if strings.HasPrefix(body, begin) {
			start = max(start, 0)
		}
		if at := strings.LastIndex(body, "\n"+begin); at >= 0 {
			start = max(start, at+1)
		}
	}
	return start
}
