package logfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/appbur/appbur/internal/durable"
)

// headLength is how much of a file tells it from others: an event has its id and its time at the beginning.
const headLength = 1024

// place is up to where which file was read.
type place struct {
	// known is false where nothing was read yet.
	known bool
	// head is the digest of the first length bytes of the file.
	head   string
	length int
	// offset is behind the last whole line that was taken.
	offset int64
	// midway: what stands at the offset may be the middle of a line.
	midway bool
	// finished: the file was read to its end, and nobody writes to it any more.
	finished bool
	// looked is how large the file was at the last look.
	looked int64
}

// recognise notes how the file begins, as soon as enough of it is there.
func (p *place) recognise(file io.ReaderAt) error {
	if p.length >= headLength {
		return nil
	}
	head, err := readHead(file, headLength)
	if err != nil {
		return err
	}
	p.head, p.length = digest(head), len(head)
	return nil
}

// matches reports whether a file begins as the one that was read.
func (p *place) matches(file io.ReaderAt) (bool, error) {
	head, err := readHead(file, p.length)
	if err != nil {
		return false, err
	}
	return len(head) == p.length && (p.length == 0 || digest(head) == p.head), nil
}

func readHead(file io.ReaderAt, length int) ([]byte, error) {
	head := make([]byte, length)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}

func digest(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:])
}

// state is the state file.
type state struct {
	Path   string `json:"path"`
	Head   string `json:"head"`
	Length int    `json:"length"`
	Offset int64  `json:"offset"`
}

// restore reads the state file. One that is damaged is as good as none.
func (f *Follower) restore() error {
	if f.o.State == "" {
		return nil
	}
	text, err := os.ReadFile(f.o.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("where the audit log was read up to: %w", err)
	}
	var s state
	if json.Unmarshal(bytes.TrimSpace(text), &s) != nil || s.Path != f.o.Path || s.Offset < 0 || s.Length < 0 || s.Length > headLength {
		f.o.Log.Warn("where the audit log was read up to is not known; it is followed as a new one", "state", f.o.State)
		return nil
	}
	f.place = place{known: true, head: s.Head, length: s.Length, offset: s.Offset}
	f.saved, f.older, f.newer = f.place, f.place, f.place
	return nil
}

// begun is where to begin after a restart: at a place that the log was read up to for at least as long as is taken again.
func (f *Follower) begun() place {
	again := int(f.o.Again / f.o.Every)
	if again == 0 || !f.place.known {
		return f.place
	}
	if !f.older.known { // all that was read is of the first look
		f.newer, f.older = f.place, f.place
		f.older.offset = 0
		f.older.midway = f.place.midway || f.skipped
	}
	if f.looks++; f.looks > again {
		f.looks, f.older, f.newer = 1, f.newer, f.place
	}
	return f.older
}

// save writes the state file when the place has moved.
func (f *Follower) save() error {
	p := f.begun()
	if f.o.State == "" || !p.known || p.midway || p.offset == f.saved.offset && p.head == f.saved.head {
		return nil
	}
	text, err := json.Marshal(state{Path: f.o.Path, Head: p.head, Length: p.length, Offset: p.offset})
	if err != nil {
		return err
	}
	if err := durable.Replace(f.o.State, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("keeping where the audit log was read up to: %w", err)
	}
	f.saved = p
	return nil
}
