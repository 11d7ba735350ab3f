package gitsync

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// spillSize is how much compressed content an edit holds in memory. What goes
// beyond it is in the pack that the next commit will publish.
const spillSize = 16 << 20

// heldBlob is the content of a file of an edit that its base does not have.
type heldBlob struct {
	pack.Object // without the bytes once they are spilled or published
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
	held  []*heldBlob  // in memory
	size  int          // of what is held
	pack  *pack.Writer // nil until something was spilled
	at    map[Hash]int64
	// lost is why spilled content is gone.
	lost error
}

// makeRoom moves what is held into the pack when it is too much with what is to come.
func (s *spill) makeRoom(dir string, more int) error {
	if len(s.held) == 0 || s.size+more <= s.limit {
		return nil
	}
	if s.pack == nil {
		pack, err := pack.Create(dir, pack.UnknownCount)
		if err != nil {
			return err
		}
		s.pack, s.at = pack, map[Hash]int64{}
	}
	return s.append(s.held)
}

// hold takes new content.
func (s *spill) hold(blob *heldBlob) {
	s.held = append(s.held, blob)
	s.size += len(blob.Zlib)
}

// append writes blobs into the spilled pack, all or none.
func (s *spill) append(blobs []*heldBlob) error {
	mark := s.pack.Mark()
	places := make([]int64, len(blobs))
	err := func() error {
		for i, blob := range blobs {
			if blob.dropped || blob.at > 0 || blob.published {
				continue
			}
			if places[i] = s.at[blob.ID]; places[i] > 0 {
				continue
			}
			at, err := s.pack.Add(blob.Object)
			if err != nil {
				return err
			}
			places[i], s.at[blob.ID] = at, at
		}
		return s.pack.Out.Flush()
	}()
	if err != nil {
		for i, blob := range blobs {
			if places[i] >= int64(mark.Offset) {
				delete(s.at, blob.ID)
			}
		}
		return errors.Join(fmt.Errorf("write pack: %w", err), s.rollback(mark))
	}

	for i, blob := range blobs {
		if places[i] > 0 {
			blob.at, blob.Zlib = places[i], nil
		}
	}

	s.held, s.size = nil, 0
	return nil
}

// rollback cuts the pack back; if even that fails the spilled content is lost.
func (s *spill) rollback(mark pack.Mark) error {
	if err := s.pack.Rollback(mark); err != nil {
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
	s.size -= len(blob.Zlib)
	blob.Zlib = nil
}

// release forgets everything, after a commit or when the edit is given up.
func (s *spill) release() {
	if s.pack != nil {
		s.pack.Discard()
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
	c := content{zlib: blob.Zlib, size: blob.Size, at: blob.at}
	if blob.at > 0 {
		c.file = s.pack.File
	}
	return c
}

func (c content) read() ([]byte, error) {
	if c.file == nil {
		return pack.Inflate(bytes.NewReader(c.zlib), int64(c.size))
	}
	return pack.Inflate(io.NewSectionReader(c.file, c.at, 1<<62), int64(c.size))
}
