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
