package gitsync

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// usage counts packs and bytes.
func (s *objectStore) usage(loose []looseObject) (packs int, bytes int64, err error) {
	for _, p := range s.own() {
		for _, ending := range []string{".pack", ".idx"} {
			info, err := os.Stat(siblingFile(p, ending))
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
		bytes += o.stored
	}
	return packs, bytes, nil
}

// retire removes packs and loose objects whose successors are durable.
func (s *objectStore) retire(packs []*pack, loose []looseObject, successors []*pack) error {
	packs = slices.DeleteFunc(slices.Clone(packs), func(p *pack) bool {
		return slices.ContainsFunc(successors, func(by *pack) bool { return by.path == p.path })
	})
	s.replace(packs, successors...)

	// An index over many packs names those that go now.
	entries, err := os.ReadDir(s.packDir())
	if err != nil {
		return err
	}

	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "multi-pack-index") {
			if err := os.RemoveAll(filepath.Join(s.packDir(), entry.Name())); err != nil {
				return err
			}
		}
	}

	for _, p := range packs {
		// The index first: without it nobody looks for the pack.
		for _, ending := range []string{".idx", ".rev", ".bitmap", ".mtimes", ".pack"} {
			if err := os.Remove(siblingFile(p, ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
