package fleetcopies

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Trim takes away the copies that were used least recently until the others have no more bytes than they may. One that is in
// use stays.
func (c *Copies) Trim() error {
	list, err := c.list()
	if err != nil {
		return err
	}
	var all int64
	for _, one := range list {
		all += one.bytes
	}
	for _, one := range list {
		if all <= c.most {
			return nil
		}
		gone, err := remove(one.place)
		if err != nil {
			return err
		}
		if gone {
			all -= one.bytes
		}
	}
	return nil
}

type used struct {
	place string
	bytes int64
	at    time.Time
}

// list returns the copies, that which was used least recently first.
func (c *Copies) list() ([]used, error) {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // somebody has deleted all of it
	}
	if err != nil {
		return nil, fmt.Errorf("looking for copies: %w", err)
	}
	list := make([]used, 0, len(entries))
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), lockSuffix) || strings.HasSuffix(entry.Name(), partsSuffix+lockSuffix) {
			continue
		}
		file := filepath.Join(c.dir, entry.Name())
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking for copies: %w", err)
		}
		place := strings.TrimSuffix(file, lockSuffix)
		list = append(list, used{place, size(place + copySuffix), info.ModTime()})
	}
	slices.SortFunc(list, func(a, b used) int { return a.at.Compare(b.at) })
	return list, nil
}

// size adds up what can be looked at: files come and go while another process writes.
func size(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it is gone, or nobody may look
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

func remove(place string) (gone bool, err error) {
	held, err := tryLock(place)
	if err != nil || held == nil {
		return false, err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	return true, errors.Join(os.RemoveAll(place+copySuffix), os.Remove(held.Name()))
}
