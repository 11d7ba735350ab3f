package statedir

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
)

// ErrDamaged is the error of a payload that is not what was exported.
var ErrDamaged = errors.New("it is not what was exported")

// State is a directory that was opened. It implements [apps.Payloads].
type State struct {
	// App is whose state it is.
	App appbur.AppState
	// Point is the restore point that it was taken of, empty if the application exported it, Exported when it
	// was written.
	Point    appbur.RestorePointID
	Exported time.Time

	dir   string
	files map[string]string
}

var _ apps.Payloads = (*State)(nil)

// Open reads what a directory holds. The payloads are checked when they are read.
func Open(dir string) (*State, error) {
	file, err := os.Open(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: there is no %s", dir, ErrFormat, stateFile)
	}
	if err != nil {
		return nil, inDirectory(dir, err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, mostState+1))
	if err != nil {
		return nil, inDirectory(dir, err)
	}
	if len(text) > mostState {
		return nil, fmt.Errorf("%s: %w: %s has more than %d bytes", dir, ErrFormat, stateFile, mostState)
	}

	s, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	opened := &State{
		App:   appbur.AppState{AppKey: appbur.AppKey{Namespace: s.Namespace, Name: s.Name}, App: s.App, Version: s.Version},
		Point: s.Point, Exported: s.Exported, dir: dir, files: make(map[string]string),
	}
	for _, d := range s.Datasets {
		opened.files[d.Name] = d.File
		opened.App.Datasets = append(opened.App.Datasets, appbur.Dataset{
			Name: d.Name, Schema: d.Schema, MediaType: d.MediaType, Rows: d.Rows, Size: d.Size, Digest: d.Digest,
			Sensitive: d.Sensitive, Key: d.Key, Positions: d.Positions,
		})
	}
	return opened, nil
}

// inDirectory is an error about a file of a directory, in terms of the directory, which is what somebody named.
func inDirectory(dir string, err error) error {
	var about *fs.PathError
	if errors.As(err, &about) {
		err = &fs.PathError{Op: about.Op, Path: dir, Err: about.Err}
	}
	return err
}

// Payload implements [apps.Payloads]. A directory holds one application, whatever it is called now.
func (s *State) Payload(_ appbur.AppKey, d appbur.Dataset) (io.ReadCloser, error) {
	name, ok := s.files[d.Name]
	if !ok {
		return nil, fmt.Errorf("%s has no dataset %s", s.dir, d.Name)
	}
	path := filepath.Join(s.dir, name)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != d.Size {
		return nil, fmt.Errorf("%s: %w: it has %d bytes, and had %d", path, ErrDamaged, info.Size(), d.Size)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &payload{File: file, hash: sha256.New(), want: d.Digest}, nil
}

// payload is a file that ends with an error if its bytes are others.
type payload struct {
	*os.File

	hash hash.Hash
	want appbur.Digest
}

// Read implements [io.Reader].
func (p *payload) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	p.hash.Write(b[:n])
	if errors.Is(err, io.EOF) && appbur.Digest(p.hash.Sum(nil)) != p.want {
		return n, fmt.Errorf("%s: %w", p.Name(), ErrDamaged)
	}
	return n, err
}

// WriteTo hides that of [os.File], which would pass the digest by.
func (p *payload) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{p})
}
