package gitsync

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

const (
	// reserveFile takes room that is given back when the disk is full, so that refs can
	// be deleted then: their files and packed-refs are written anew for that.
	reserveFile = "appbur.reserve"
	// reserveSize is room for packed-refs of ten thousand points.
	reserveSize = 1 << 20
	// reservePiece is how much of it is taken at once.
	reservePiece = 16 << 10
)

// WithRoom does something small that deletes or leads to it, such as writing a note. On
// a full disk it gives back what was reserved for that and tries again once.
// [Repository.Reserve] takes it again.
func (r *Repository) WithRoom(do func() error) error {
	err := do()
	if err == nil || !isNoSpace(err) {
		return pack.DiskError(r.dir, err)
	}

	// Whoever shares the disk may take the room before we do; then it was worth a try.
	if removeErr := os.Remove(filepath.Join(r.dir, reserveFile)); removeErr == nil {
		err = do()
	}
	if err == nil || !isNoSpace(err) {
		return pack.DiskError(r.dir, err)
	}
	return appbur.WithHint(&NoSpaceError{Dir: r.dir, Deleting: true, Err: err},
		"make a megabyte of room on the file system of "+r.dir+"; nothing is damaged")
}

func isNoSpace(err error) bool { return errors.Is(pack.DiskError("", err), ErrNoSpace) }

// Reserve takes room on the disk that [Repository.WithRoom] can give back, unless it has
// been taken. That there is none is no error: it is tried again with the next deletion
// or maintenance.
func (r *Repository) Reserve() { reserve(r.dir) }

// GiveBack gives back what was reserved, of a repository that can be made anew.
func (r *Repository) GiveBack() error {
	err := os.Remove(filepath.Join(r.dir, reserveFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// reserve takes what there is, if that is less: most deletions need some kilobytes.
func reserve(dir string) {
	file, err := os.OpenFile(filepath.Join(dir, reserveFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return
	}

	for left := reserveSize - info.Size(); left > 0; left -= reservePiece {
		if _, err := file.Write(incompressible(int(min(left, reservePiece)))); err != nil {
			return
		}
	}
}

// incompressible is content that takes its size also on file systems that compress or
// share equal blocks.
func incompressible(size int) []byte {
	out := make([]byte, size)
	x := uint64(os.Getpid())<<32 | 0x9E3779B97F4A7C15
	for i := range out {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		out[i] = byte(x >> 32)
	}
	return out
}
