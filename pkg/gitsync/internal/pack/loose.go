package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Loose is an object that has a file of its own.
type Loose struct {
	ID       object.Hash
	Kind     plumbing.ObjectType
	Size     int64
	Stored   int64 // as a file
	path     string
	Modified time.Time
}

// LooseObjects lists the objects that stock git left as files of their own.
func (s *Store) LooseObjects() ([]Loose, error) {
	var list []Loose
	for first := range 256 {
		fan := fmt.Sprintf("%02x", first)
		dir := filepath.Join(s.Dirs[0], fan)
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list loose objects: %w", err)
		}
		for _, entry := range entries {
			hash, err := object.ParseHash(fan + entry.Name())
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

func statLoose(id object.Hash, path string) (Loose, error) {
	file, err := os.Open(path)
	if err != nil {
		return Loose{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return Loose{}, err
	}

	r, err := objfile.NewReader(file)
	if err != nil {
		return Loose{}, fmt.Errorf("%w: %w", object.ErrCorrupt, err)
	}
	defer func() { _ = r.Close() }()
	kind, size, err := r.Header()
	if err != nil {
		return Loose{}, fmt.Errorf("%w: %w", object.ErrCorrupt, err)
	}
	return Loose{ID: id, Kind: kind, Size: size, Stored: info.Size(), path: path, Modified: info.ModTime()}, nil
}

// readLoose reads an object that has a file of its own. Stock git writes them;
// this package does not.
func (s *Store) readLoose(id object.Hash, limits object.Limits) (RawObject, error) {
	name := id.String()
	for _, dir := range s.Dirs {
		file, err := os.Open(filepath.Join(dir, name[:2], name[2:]))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return RawObject{}, err
		}
		o, err := ReadObjectFile(file, limits)
		_ = file.Close()
		return o, err
	}
	return RawObject{}, fs.ErrNotExist
}

// ReadObjectFile reads the content of a loose object: compressed, with its type and size in front.
func ReadObjectFile(in io.Reader, limits object.Limits) (RawObject, error) {
	r, err := objfile.NewReader(in)
	if err != nil {
		return RawObject{}, fmt.Errorf("%w: loose object: %w", object.ErrCorrupt, err)
	}
	defer func() { _ = r.Close() }()
	kind, size, err := r.Header()
	if err != nil {
		return RawObject{}, fmt.Errorf("%w: loose object: %w", object.ErrCorrupt, err)
	}

	if err := limits.CheckObject(kind, size); err != nil {
		return RawObject{}, fmt.Errorf("loose object: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return RawObject{}, fmt.Errorf("%w: loose object: %w", object.ErrCorrupt, err)
	}
	if int64(len(data)) != size {
		return RawObject{}, fmt.Errorf("%w: loose object has not the %d bytes that its header says", object.ErrCorrupt, size)
	}
	return RawObject{Kind: kind, Data: data}, nil
}
