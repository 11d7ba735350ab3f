package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// backup is a file that the log was rotated to.
type backup struct {
	path    string
	changed time.Time
}

// backups are what the log was rotated to, the oldest first: audit-TIME.log of API servers, audit.log.1 of logrotate, and
// both compressed.
func (f *Follower) backups() (backups []backup) {
	dir, name := filepath.Split(f.o.Path)
	if dir == "" {
		dir = "."
	}
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	named := map[string]bool{}
	for _, entry := range entries {
		named[entry.Name()] = true
	}

	for _, entry := range entries {
		plain := strings.TrimSuffix(entry.Name(), ".gz")
		rotated := strings.HasPrefix(plain, stem+"-") && strings.HasSuffix(plain, extension) || strings.HasPrefix(plain, name+".")
		if plain != entry.Name() && named[plain] {
			continue // it is being compressed
		}
		info, err := entry.Info()
		if !rotated || err != nil || !info.Mode().IsRegular() {
			continue
		}
		backups = append(backups, backup{filepath.Join(dir, entry.Name()), info.ModTime()})
	}

	slices.SortFunc(backups, func(a, b backup) int {
		// The names of API servers have the time; the times of compressed files are those of the compression.
		timed := strings.HasPrefix(filepath.Base(a.path), stem+"-") && strings.HasPrefix(filepath.Base(b.path), stem+"-")
		if order := a.changed.Compare(b.changed); order != 0 && !timed {
			return order
		}
		return strings.Compare(a.path, b.path)
	})
	return backups
}

// catchUp reads what is left of the file that was read last, and all that was rotated after it. The log that is open now
// is then read from its start. What cannot be found is said: its events are lost.
func (f *Follower) catchUp(ctx context.Context) {
	backups := f.backups()
	last := slices.IndexFunc(backups, func(b backup) bool {
		same := false
		_ = f.with(b, func(content io.Reader) error {
			head, err := io.ReadAll(io.LimitReader(content, int64(f.place.length)))
			same = err == nil && f.place.length > 0 && len(head) == f.place.length && digest(head) == f.place.head
			return err
		})
		return same
	})
	if last < 0 && f.place.length > 0 && !f.place.finished {
		f.o.Log.Warn("the audit log was rotated, and what it was rotated to is gone; events may be missing", "path", f.o.Path)
	}

	if last >= 0 {
		for _, b := range backups[last:] {
			err := f.with(b, func(content io.Reader) error {
				if _, err := io.CopyN(io.Discard, content, f.place.offset); err != nil {
					return err
				}
				_, err := f.lines(ctx, content, &f.place)
				return err
			})
			if err != nil {
				f.o.Log.Warn("a rotated audit log cannot be read; events may be missing", "path", b.path, "reason", err.Error())
			}
			f.place = place{known: true}
		}
	}
	f.place = place{known: true}
}

// with reads a backup.
func (f *Follower) with(b backup, read func(io.Reader) error) error {
	file, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	start := make([]byte, 2)
	n, err := file.ReadAt(start, 0)
	if n == 2 && bytes.Equal(start, []byte{0x1f, 0x8b}) {
		content, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		return read(content)
	}
	if err != nil && n == 0 {
		return nil // it is empty
	}
	return read(file)
}
