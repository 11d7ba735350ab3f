package pack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Usage counts packs and bytes.
func (s *Store) Usage(loose []Loose) (packs int, bytes int64, err error) {
	for _, p := range s.Own() {
		for _, ending := range []string{".pack", ".idx"} {
			info, err := os.Stat(SiblingFile(p, ending))
			if errors.Is(err, fs.ErrNotExist) {
				continue // repacked by git this moment
			}
			if err != nil {
				return 0, 0, err
			}
			bytes += info.Size()
		}
		packs++
	}
	for _, o := range loose {
		bytes += o.Stored
	}
	return packs, bytes, nil
}

// Retire removes packs and loose objects whose successors are durable.
func (s *Store) Retire(packs []*Pack, loose []Loose, successors []*Pack) error {
	packs = slices.DeleteFunc(slices.Clone(packs), func(p *Pack) bool {
		return slices.ContainsFunc(successors, func(by *Pack) bool { return by.Path == p.Path })
	})
	s.replace(packs, successors...)

	// An index over many packs names those that go now.
	entries, err := os.ReadDir(s.PackDir())
	if err != nil {
		return err
	}

	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "multi-pack-index") {
			if err := os.RemoveAll(filepath.Join(s.PackDir(), entry.Name())); err != nil {
				return err
			}
		}
	}

	for _, p := range packs {
		// The index first: without it no reader looks for the pack.
		for _, ending := range []string{".idx", ".rev", ".bitmap", ".mtimes", ".pack"} {
			if err := os.Remove(SiblingFile(p, ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}

	for _, o := range loose {
		if err := os.Remove(o.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
