package contract

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"syscall"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// ackInterval is how many bytes pass between two acknowledgements.
const ackInterval = 4 << 20

// spool keeps one payload on disk until the caller commits.
type spool struct {
	definition *definition
	chain      []step
	announced  totals
	file       *os.File
	received   int64
	acked      int64
	hash       hash.Hash
}

func newSpool(dir string, d *definition, chain []step, announced totals) (*spool, error) {
	f, err := unnamedFile(dir, "import-*")
	if err != nil {
		return nil, err
	}
	return &spool{definition: d, chain: chain, announced: announced, file: f, hash: sha256.New()}, nil
}

func spoolError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return NewError(ReasonNoSpace, "the spool directory is full")
	}
	return NewError(ReasonAppFailed, "spooling a payload: %w", err)
}

// write takes one chunk. Offset 0 starts the payload again.
func (s *spool) write(c *contractpb.Chunk) error {
	offset, data := c.GetOffset(), c.GetData()
	switch {
	case len(data) == 0:
		return NewError(ReasonInvalidRequest, "dataset %s: a chunk is empty", s.definition.Name)
	case len(data) > maxChunkSize:
		return NewError(ReasonTooLarge, "dataset %s: a chunk has %d bytes, at most %d are allowed", s.definition.Name, len(data), maxChunkSize)
	case offset == 0 && s.received > 0:
		if err := s.restart(); err != nil {
			return err
		}
	case offset != uint64(s.received):
		return NewError(ReasonOffsetMismatch, "dataset %s: a chunk starts at %d, expected %d", s.definition.Name, offset, s.received).
			With("dataset", s.definition.Name).With("expected", strconv.FormatInt(s.received, 10))
	}

	if checksum(data) != c.GetCrc32C() {
		return NewError(ReasonChecksumMismatch, "dataset %s: the chunk at %d differs from its checksum", s.definition.Name, offset).
			With("dataset", s.definition.Name)
	}
	if s.received+int64(len(data)) > s.announced.size {
		return NewError(ReasonInvalidRequest, "dataset %s: more bytes than the %d announced", s.definition.Name, s.announced.size).
			With("dataset", s.definition.Name)
	}
	if _, err := s.file.Write(data); err != nil {
		return spoolError(err)
	}
	s.hash.Write(data)
	s.received += int64(len(data))
	return nil
}

func (s *spool) restart() error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return spoolError(err)
	}
	if err := s.file.Truncate(0); err != nil {
		return spoolError(err)
	}
	s.received, s.acked = 0, 0
	s.hash.Reset()
	return nil
}

// due reports whether it is time to send the caller the progress of the payload.
func (s *spool) due() bool {
	return s.received-s.acked >= ackInterval || s.received == s.announced.size
}

// check compares what came with what was announced.
func (s *spool) check() error {
	name := s.definition.Name
	if s.received != s.announced.size {
		return NewError(ReasonInvalidRequest, "dataset %s: %d of %d bytes arrived before the commit", name, s.received, s.announced.size).
			With("dataset", name)
	}
	if [sha256.Size]byte(s.hash.Sum(nil)) != s.announced.digest {
		return NewError(ReasonChecksumMismatch, "dataset %s: the payload differs from its SHA-256", name).With("dataset", name)
	}
	return nil
}

// rewind makes the payload readable from its start.
func (s *spool) rewind() error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading a spooled payload: %w", err)
	}
	return nil
}
