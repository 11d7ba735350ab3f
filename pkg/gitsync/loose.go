package gitsync

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
)

// looseObject is an object that has a file of its own.
type looseObject struct {
	id       Hash
	kind     plumbing.ObjectType
	size     int64
	stored   int64 // as a file
	path     string
	modified time.Time
}

// looseObjects lists the objects that stock git left as files of their own.
func (s *objectStore) looseObjects() ([]looseObject, error) {
	var list []looseObject
	for first := range 256 {
		fan := fmt.Sprintf("%02x", first)
		dir := filepath.Join(s.dirs[0], fan)
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list loose objects: %w", err)
		}
		for _, entry := range entries {
			hash, err := ParseHash(fan + entry.Name())
			if err != nil {
				continue // git's unfinished files
			}
			o, err := statLoose(hash, filepath.Join(dir, entry.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // packed by somebody else
			}
			if err != nil {
				return nil, fmt.Errorf("loose object %s: %w", hash, err)
			}
			list = append(list, o)
		}
	}

	return list, nil
}

func statLoose(id Hash, path string) (looseObject, error) {
	file, err := os.Open(path)
	if err != nil {
		return looseObject{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return looseObject{}, err
	}

	r, err := objfile.NewReader(file)
	if err != nil {
		return looseObject{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	defer func() { _ = r.Close() }()
	kind, size, err := r.Header()
	if err != nil {
		return looseObject{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return looseObject{id: id, kind: kind, size: size, stored: info.Size(), path: path, modified: info.ModTime()}, nil
}

// readLoose reads an object that has a file of its own. Stock git writes them;
// this package does not.
func (s *objectStore) readLoose(id Hash, limits object.Limits) (rawObject, error) {
	name := id.String()
	for _, dir := range s.dirs {
		file, err := os.Open(filepath.Join(dir, name[:2], name[2:]))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return rawObject{}, err
		}
		o, err := readObjectFile(file, limits)
		_ = file.Close()
		return o, err
	}
	return rawObject{}, fs.ErrNotExist
}

func readObjectFile(in io.Reader, limits object.Limits) (rawObject, error) {
	r, err := objfile.NewReader(in)
	if err != nil {
		return rawObject{}, fmt.Errorf("%w: loose object: %w", ErrCorrupt, err)
	}
	defer func() { _ = r.Close() }()
	kind, size, err := r.Header()
	if err != nil {
		return rawObject{}, fmt.Errorf("%w: loose object: %w", ErrCorrupt, err)
	}

	if err := limits.CheckObject(kind, size); err != nil {
		return rawObject{}, fmt.Errorf("loose object: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return rawObject{}, fmt.Errorf("%w: loose object: %w", ErrCorrupt, err)
	}
	if int64(len(data)) != size {
		return rawObject{}, fmt.Errorf("%w: loose object has not the %d bytes that its header says", ErrCorrupt, size)
	}
	return rawObject{kind: kind, data: data}, nil
}
