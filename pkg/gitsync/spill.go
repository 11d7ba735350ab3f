package gitsync

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/appbur/appbur"
)

// spillSize is how much compressed content an edit holds in memory. What goes
// beyond it lies in the pack that the next commit will publish.
const spillSize = 16 << 20

// heldBlob is the content of a file of an edit that its base does not have.
type heldBlob struct {
	deflated // without the bytes once they are spilled or published
	// at is where the compressed bytes lie in the spill, zero if not there.
	at int64
	// published means that a pack of the repository has the object.
	published bool
	// dropped means that no file of the edit has this content any more.
	dropped bool
}

// spill holds new content of an edit: first in memory, then in a pack that is
// being written. Its file is locked while the edit lives and has no reader, so an
// edit that is forgotten leaves a file that the next writer removes.
type spill struct {
	limit int
	held  []*heldBlob // in memory
	size  int         // of what is held
	pack  *packFile   // nil until something was spilled
	at    map[Hash]int64
	// lost is why spilled content is gone.
	lost error
}

// hold takes new content, and moves what is held into the pack when it is too
// much.
func (s *spill) hold(dir string, blob *heldBlob) error {
	s.held = append(s.held, blob)
	s.size += len(blob.zlib)
	if s.size <= s.limit {
		return nil
	}
	if s.pack == nil {
		pack, err := createPack(dir, unknownCount)
		if err != nil {
			return err
		}
		s.pack, s.at = pack, map[Hash]int64{}
	}
	return s.append(s.held)
}

// append writes blobs into the spilled pack, all or none.
func (s *spill) append(blobs []*heldBlob) error {
	mark := s.pack.mark()
	places := make([]int64, len(blobs))
	err := func() error {
		for i, blob := range blobs {
			if blob.dropped || blob.at > 0 || blob.published {
				continue
			}
			if places[i] = s.at[blob.id]; places[i] > 0 {
				continue
			}
			at, err := s.pack.add(blob.deflated)
			if err != nil {
				return err
			}
			places[i], s.at[blob.id] = at, at
		}
		return s.pack.out.Flush()
	}()
	if err != nil {
		for i, blob := range blobs {
			if places[i] >= int64(mark.offset) {
				delete(s.at, blob.id)
			}
		}
		return errors.Join(fmt.Errorf("write pack: %w", err), s.rollback(mark))
	}

	for i, blob := range blobs {
		if places[i] > 0 {
			blob.at, blob.zlib = places[i], nil
		}
	}

	s.held, s.size = nil, 0
	return nil
}

// rollback cuts the pack back; if even that fails the spilled content is lost.
func (s *spill) rollback(mark packMark) error {
	if err := s.pack.rollback(mark); err != nil {
		s.lost = appbur.WithHint(fmt.Errorf("the edit has lost what it held: %w", err), "begin a new edit")
		return s.lost
	}
	return nil
}

// drop forgets content that its file no longer has.
func (s *spill) drop(blob *heldBlob) {
	if blob == nil || blob.dropped {
		return
	}
	blob.dropped = true
	s.size -= len(blob.zlib)
	blob.zlib = nil
}

// release forgets everything, after a commit or when the edit is given up.
func (s *spill) release() {
	if s.pack != nil {
		s.pack.discard()
	}
	*s = spill{limit: s.limit}
}

// content is what is needed to read a held blob: its compressed bytes, or where
// they lie.
type content struct {
	zlib []byte
	size int
	file *os.File
	at   int64
}

func (s *spill) content(blob *heldBlob) content {
	c := content{zlib: blob.zlib, size: blob.size, at: blob.at}
	if blob.at > 0 {
		c.file = s.pack.file
	}
	return c
}

func (c content) read() ([]byte, error) {
	if c.file == nil {
		return inflate(bytes.NewReader(c.zlib), int64(c.size))
	}
	return inflate(io.NewSectionReader(c.file, c.at, 1<<62), int64(c.size))
}

// Discard gives up what the edit holds in memory and on the disk. The edit must
// not be used afterwards. It is not needed after a commit, and an edit that is
// just forgotten does no harm: the next writer removes its file.
func (e *Edit) Discard() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spill.release()
	e.releaseHolds()
	e.spill.lost = errors.New("the edit was discarded")
}

// releaseHolds lets what was published be repacked.
func (e *Edit) releaseHolds() {
	for _, hold := range e.heldPacks {
		hold.release()
	}
	e.heldPacks = nil
}

// store publishes one pack with the given objects and what a tree adds, and holds it
// until the edit is settled or given up: if the ref cannot be moved, the next attempt
// relies on what was published. The same blob may lie at several paths; a pack holds
// it once. The caller holds the locks of the edit and of the repository.
func (e *Edit) store(built builtTree, first ...deflated) (err error) {
	if e.spill.lost != nil {
		return e.spill.lost
	}
	if err := e.repo.objects.demand(built.present); err != nil {
		return err
	}
	objects := append(first, built.trees...)
	seen := make(map[Hash]bool, len(objects)+len(built.blobs))

	unique := objects[:0]
	for _, o := range objects {
		if !seen[o.id] {
			seen[o.id] = true
			unique = append(unique, o)
		}
	}

	var out *packFile
	if e.spill.pack == nil {
		var blobs []*heldBlob
		for _, blob := range built.blobs {
			if !seen[blob.id] {
				seen[blob.id] = true
				blobs = append(blobs, blob)
			}
		}
		if out, err = createPack(e.repo.objects.packDir(), len(unique)+len(blobs)); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				out.discard()
			}
		}()
		for _, blob := range blobs {
			unique = append(unique, blob.deflated)
		}
	} else {
		out = e.spill.pack
		if err := e.spill.append(built.blobs); err != nil {
			return err
		}
		mark := out.mark()
		defer func() {
			if err != nil {
				err = errors.Join(err, e.spill.rollback(mark))
			}
		}()
	}

	if len(unique) > 0 {
		unique[0].zlib = vary(unique[0].zlib, out.file.Name())
	}

	for _, o := range unique {
		if _, err := out.add(o); err != nil {
			return fmt.Errorf("write pack: %w", err)
		}
	}

	published, hold, err := out.publish()
	if err != nil {
		return err
	}
	e.heldPacks = append(e.heldPacks, hold)
	e.repo.objects.add(published)
	for _, blob := range built.blobs {
		blob.published, blob.zlib, blob.at = true, nil, 0
	}
	e.spill = spill{limit: e.spill.limit}
	return nil
}
