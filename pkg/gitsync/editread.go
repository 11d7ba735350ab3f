package gitsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// ReadFile returns the content of a file as the edit has it now. The error wraps
// [fs.ErrNotExist] if there is none.
func (e *Edit) ReadFile(path string) ([]byte, error) {
	names, err := object.SplitPath(path)
	if err != nil {
		return nil, err
	}

	for {
		id, held, err := e.locate(names)
		switch {
		case err != nil:
			return nil, err
		case id.IsZero():
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		case held == nil:
			return e.repo.objects.ReadAs(id, plumbing.BlobObject)
		}
		data, err := held.read()
		// A commit may have published the spilled pack meanwhile: look again.
		if !errors.Is(err, os.ErrClosed) {
			return data, err
		}
	}
}

// locate returns the id of a file and its content if no pack has it yet, the
// zero id if there is no file.
func (e *Edit) locate(names []string) (Hash, *content, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.spill.lost != nil {
		return Hash{}, nil, e.spill.lost
	}
	n, err := e.find(names)
	if err != nil || n == nil || !(object.TreeEntry{Mode: n.mode}).IsFile() {
		return Hash{}, nil, err
	}
	if n.blob == nil || n.blob.published {
		return n.id, nil, nil
	}
	held := e.spill.content(n.blob)
	return n.id, &held, nil
}

// Paths returns the paths of all files below a directory, sorted. The empty
// directory is the root.
func (e *Edit) Paths(dir string) ([]string, error) {
	var paths []string
	err := e.Walk(dir, func(path string, _ Hash) error {
		paths = append(paths, path)
		return nil
	})
	return paths, err
}

// Walk calls fn for every file below a directory, in path order. It sees the
// edit as it was when Walk began; fn may change the edit.
func (e *Edit) Walk(dir string, fn func(path string, blob Hash) error) error {
	type found struct {
		path string
		id   Hash
	}

	var files []found
	err := func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		start := e.root
		if dir != "" {
			names, err := object.SplitPath(dir)
			if err != nil {
				return err
			}
			if start, err = e.find(names); err != nil || start == nil {
				return err
			}
		}
		return e.visit(start, dir, func(path string, n *node) { files = append(files, found{path, n.id}) })
	}()
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b found) int { return strings.Compare(a.path, b.path) })

	for _, f := range files {
		if err := fn(f.path, f.id); err != nil {
			return err
		}
	}
	return nil
}

// visit calls fn for every file below a node. It skips what is no file, such as
// submodules: they are kept as they are.
func (e *Edit) visit(n *node, path string, fn func(string, *node)) error {
	if !n.isDir() {
		if (object.TreeEntry{Mode: n.mode}).IsFile() {
			fn(path, n)
		}
		return nil
	}
	if err := e.load(n); err != nil {
		return err
	}

	for name, child := range n.children {
		below := name
		if path != "" {
			below = path + "/" + name
		}
		if err := e.visit(child, below, fn); err != nil {
			return err
		}
	}

	return nil
}
