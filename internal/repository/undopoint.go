package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// An undo point holds what a restore was about to change or delete, as it was
// (docs/formats/undo-point.md). It is a signed tag of its own beside the restore points, of a
// commit on top of main: no branch moves, no restore point is between others because of
// it, and nothing of it is pushed: it is about one cluster, and this machine.

// UndoFormat is the version of the description of an undo point.
const UndoFormat = 1

const (
	undoTagPrefix = "undo-points/"
	// madeSuffix ends the name of the second tag of an undo point, made when the restore is over.
	madeSuffix = "-made"
	undoFile   = "undo.json"
	madeFile   = "made.json"
	// keptUndoPoints is how many undo points of a cluster stay.
	keptUndoPoints = 10
)

// ErrNoUndo means that there is nothing to undo.
var ErrNoUndo = errors.New("there is nothing to undo")

// Undo describes an undo point.
type Undo struct {
	Format  int                   `json:"format"`
	ID      appbur.RestorePointID `json:"id"`
	Created time.Time             `json:"created"`
	Cluster appbur.Cluster        `json:"cluster"`
	Server  string                `json:"server"`
	Rules   string                `json:"rulesVersion"`
	// Point is what was restored, Part what was selected of it.
	Point appbur.RestorePointID `json:"restorePoint"`
	Part  string                `json:"part,omitempty"`
	// Objects counts the objects that are held, owners included.
	Objects int `json:"objects"`
	// Owners are held so that others can be linked to them, and are not brought back.
	Owners []appbur.ObjectID `json:"owners,omitempty"`
	// Apps are the applications whose state was to be imported, which no undo takes back.
	Apps []string `json:"apps,omitempty"`
	// Absent were not there before, and the restore was about to make them.
	Absent []MadeObject `json:"absent,omitempty"`

	// Made are those that it made, with their uids; nil while that is not known.
	Made []MadeObject `json:"-"`
	// Ended is true when the restore came to an end, so that Made is known.
	Ended bool `json:"-"`

	commit gitsync.Hash
	tags   []gitsync.Tag
}

// MadeObject is an object that a restore makes.
type MadeObject struct {
	Object     appbur.ObjectID `json:"object"`
	APIVersion string          `json:"apiVersion"`
	UID        string          `json:"uid,omitempty"`
}

// made is the description that comes when the restore is over.
type made struct {
	Format int          `json:"format"`
	Made   []MadeObject `json:"made"`
}

// encode is encodeJSON of it, object by object: of a large restore the whole would be in memory thrice.
func (m made) encode() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"format\": %d,\n  \"made\": ", m.Format)
	if err := writeObjects(&b, m.Made); err != nil {
		return nil, err
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

// encode is encodeJSON of it, and writes what was absent object by object.
func (u Undo) encode() ([]byte, error) {
	absent := u.Absent
	u.Absent = nil // the last field, left out where it is empty
	head, err := encodeJSON(u)
	if err != nil || len(absent) == 0 {
		return head, err
	}

	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(head, []byte("\n}\n")))
	b.WriteString(",\n  \"absent\": ")
	if err := writeObjects(&b, absent); err != nil {
		return nil, err
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

// writeObjects writes a list that is a field of a document.
func writeObjects(b *bytes.Buffer, list []MadeObject) error {
	const usual = 160 // bytes of an object: a buffer that grows is in memory twice
	b.Grow(usual * len(list))
	b.WriteString("[")
	for i, object := range list {
		data, err := json.MarshalIndent(object, "    ", "  ")
		if err != nil {
			return fmt.Errorf("encoding %s: %w", object.Object, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		b.Write(data)
	}
	if len(list) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("]")
	return nil
}

// UndoWriter makes one undo point. Nothing of it can be seen before [UndoWriter.Save] returns.
type UndoWriter struct {
	repo   *Repository
	keys   *keyring.Keys
	sealer *seal.Sealer
	edit   *gitsync.Edit

	mu    sync.Mutex
	index map[appbur.ObjectID]manifest.Entry
}

// BeginUndo starts an undo point.
func (r *Repository) BeginUndo(keys *keyring.Keys, random io.Reader, now func() time.Time) (*UndoWriter, error) {
	sealer, err := seal.NewSealer(r.config.Recipients, keys.FingerprintKey(), random, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", appbur.RepositoryFile, err)
	}
	edit, err := r.git.Edit(gitsync.Hash{})
	if err != nil {
		return nil, err
	}
	return &UndoWriter{repo: r, keys: keys, sealer: sealer, edit: edit, index: make(map[appbur.ObjectID]manifest.Entry)}, nil
}

// Put takes one object; what is secret in it is sealed first. It may be called from several goroutines.
func (w *UndoWriter) Put(result manifest.Result) error {
	id, data := result.Manifest.ID, result.Manifest.Data
	if result.Manifest.Sensitive {
		var err error
		if data, err = w.sealer.SealManifestPaths(data, nil, result.Manifest.SecretPaths); err != nil {
			return &appbur.ObjectError{ID: id, Err: err}
		}
	}
	if _, err := w.edit.Put(id.Path(), data); err != nil {
		return putError(id, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index[id] = result.Entry
	return nil
}

// Discard gives up what was put. After [UndoWriter.Save] there is nothing left to give up.
func (w *UndoWriter) Discard() { w.edit.Discard() }

// Save writes the undo point, and forgets the oldest of the cluster beyond the newest few.
func (w *UndoWriter) Save(ctx context.Context, u Undo) (Undo, error) {
	u.Format, u.Objects = UndoFormat, len(w.index)
	files, err := manifest.EncodeIndex(w.index)
	if err != nil {
		return Undo{}, err
	}
	for _, file := range files {
		if _, err := w.edit.Put(file.Path, file.Data); err != nil {
			return Undo{}, err
		}
	}

	for attempt := 0; ; attempt++ {
		u.ID = appbur.NewRestorePointID(u.Created, attempt)
		data, err := u.encode()
		if err != nil {
			return Undo{}, err
		}
		if _, err := w.edit.Put(undoFile, data); err != nil {
			return Undo{}, err
		}
		var tag gitsync.Tag
		u.commit, tag, err = w.repo.saveUndo(ctx, w.keys, w.edit, w.repo.tip, undoTagPrefix+string(u.ID), u)
		u.tags = []gitsync.Tag{tag}
		if errors.Is(err, gitsync.ErrTagExists) && attempt < 1000 {
			continue
		}
		if err != nil {
			return Undo{}, err
		}
		return u, w.repo.forgetUndos(ctx, u.Cluster.ID)
	}
}

// NoteMade completes an undo point with what the restore made.
func (r *Repository) NoteMade(ctx context.Context, keys *keyring.Keys, u Undo, list []MadeObject) error {
	edit, err := r.git.Edit(u.commit)
	if err != nil {
		return err
	}
	defer edit.Discard()
	data, err := made{UndoFormat, list}.encode()
	if err != nil {
		return err
	}
	if _, err := edit.Put(madeFile, data); err != nil {
		return err
	}
	_, _, err = r.saveUndo(ctx, keys, edit, u.commit, undoTagPrefix+string(u.ID)+madeSuffix, u)
	return err
}

func (r *Repository) saveUndo(ctx context.Context, keys *keyring.Keys, edit *gitsync.Edit, parent gitsync.Hash, tag string, u Undo) (
	gitsync.Hash, gitsync.Tag, error,
) {
	subject := "Undo point " + string(u.ID)
	body := fmt.Sprintf("Before %s was restored to the cluster %s: %d objects that it changes or deletes, %d that it makes",
		u.Point, u.Cluster.ID, u.Objects-len(u.Owners), len(u.Absent))
	commit, tagged, err := r.git.CommitAndTag(ctx, tag, edit, parent, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: u.Created, Signer: keys.Signer(), Subject: subject, Body: body,
	}, gitsync.TagInfo{Tagger: identity, Time: u.Created, Signer: keys.Signer(), Message: subject + "\n\n" + body})
	return commit, gitsync.Tag{Name: tag, Object: tagged}, err
}

// Undos lists the undo points of a cluster, newest first. Those without a signature of somebody in the
// allowed_signers file, and those that cannot be read, are left out with the reason; nil checks no signatures.
func (r *Repository) Undos(cluster string, allowedSigners []byte) (list []Undo, rejected []error, err error) {
	var signers seal.AllowedSigners
	if allowedSigners != nil {
		if signers, err = parseSigners(allowedSigners); err != nil {
			return nil, nil, err
		}
	}
	tags, err := r.git.Tags(undoTagPrefix)
	if err != nil {
		return nil, nil, err
	}
	byName := make(map[string]gitsync.Tag, len(tags))
	for _, tag := range tags {
		byName[tag.Name] = tag
	}

	for _, tag := range tags {
		name := strings.TrimPrefix(tag.Name, undoTagPrefix)
		if _, err := appbur.ParseRestorePointID(name); err != nil {
			continue
		}
		u, err := r.readUndo(tag, byName[tag.Name+madeSuffix], signers)
		switch {
		case err != nil:
			rejected = append(rejected, fmt.Errorf("undo point %s: %w", name, err))
		case string(u.ID) != name:
			rejected = append(rejected, fmt.Errorf("undo point %s: its description is of %s", name, u.ID))
		case u.Cluster.ID == cluster:
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b Undo) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return list, rejected, nil
}

// readUndo reads what both tags lead to. Without the second one the restore has not ended.
func (r *Repository) readUndo(tag, second gitsync.Tag, signers seal.AllowedSigners) (Undo, error) {
	var u Undo
	if err := r.readSigned(tag, signers, undoFile, &u); err != nil {
		return Undo{}, err
	}
	if u.Format != UndoFormat {
		return Undo{}, appbur.WithHint(fmt.Errorf("%w: its format is %d, this release reads %d", ErrUnreadable, u.Format, UndoFormat),
			"use the appbur release that wrote it, or a later one")
	}
	u.commit, u.tags = tag.Commit, []gitsync.Tag{tag}
	if second.Name == "" {
		return u, nil
	}

	var over made
	if err := r.readSigned(second, signers, madeFile, &over); err != nil {
		return Undo{}, err
	}
	commit, err := r.git.ReadCommit(second.Commit)
	if err != nil {
		return Undo{}, err
	}
	if len(commit.Parents) != 1 || commit.Parents[0] != tag.Commit {
		return Undo{}, fmt.Errorf("%w: its second tag belongs to another undo point", ErrUntrusted)
	}
	u.Made, u.Ended, u.tags = over.Made, true, append(u.tags, second)
	return u, nil
}

// readSigned reads a description that a tag leads to, if somebody trusted has signed the tag.
func (r *Repository) readSigned(tag gitsync.Tag, signers seal.AllowedSigners, path string, into any) error {
	ref := PointRef{ID: appbur.RestorePointID(tag.Name), Commit: tag.Commit, Tagged: tag.Time, tag: tag}
	if tag.Damage != nil {
		return r.cannotRead(ref, tag.Damage)
	}
	if signers != nil {
		if _, err := r.verifyTag(ref, signers); err != nil {
			return err
		}
	}

	snapshot, err := r.git.Snapshot(tag.Commit)
	var data []byte
	if err == nil {
		data, err = snapshot.ReadDescription(path)
	}
	if errors.Is(err, fs.ErrNotExist) || unreadable(err) {
		return r.cannotRead(ref, err)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return r.cannotRead(ref, err)
	}
	return nil
}

// LoadUndo reads the objects of an undo point.
func (r *Repository) LoadUndo(ctx context.Context, u Undo, opener *seal.Opener) (*Loaded, error) {
	snapshot, err := r.git.Snapshot(u.commit)
	if err != nil {
		return nil, fmt.Errorf("undo point %s: %w", u.ID, err)
	}
	loaded := &Loaded{
		Meta:     appbur.RestorePoint{ID: u.ID, Created: u.Created, Started: u.Created, Ended: u.Created, Cluster: u.Cluster, Rules: u.Rules},
		snapshot: snapshot, opener: opener,
	}
	if err := loaded.readAll(ctx, func(o Object) { loaded.Objects = append(loaded.Objects, o) }); err != nil {
		return nil, fmt.Errorf("undo point %s: %w", u.ID, err)
	}
	slices.SortFunc(loaded.Objects, func(a, b Object) int { return strings.Compare(a.Path, b.Path) })
	if len(loaded.Objects) != u.Objects {
		return nil, fmt.Errorf("undo point %s: %w: it holds %d objects, its description says %d", u.ID, ErrUnreadable,
			len(loaded.Objects), u.Objects)
	}
	return loaded, nil
}

// DropUndo deletes an undo point. What only it held is freed by the next maintenance.
func (r *Repository) DropUndo(ctx context.Context, u Undo) error {
	gone := make(map[string]gitsync.Hash, len(u.tags))
	for _, tag := range u.tags {
		gone["refs/tags/"+tag.Name] = tag.Object
	}
	return r.git.DeleteRefs(ctx, gone, nil)
}

// forgetUndos deletes the undo points of a cluster beyond the newest few, whoever signed them.
func (r *Repository) forgetUndos(ctx context.Context, cluster string) error {
	list, _, err := r.Undos(cluster, nil)
	if err != nil {
		return err
	}
	for _, old := range list[min(len(list), keptUndoPoints):] {
		if err := r.DropUndo(ctx, old); err != nil && !errors.Is(err, gitsync.ErrRefMoved) {
			return err
		}
	}
	return nil
}
