package rendered

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
)

// parallelWrites is how many files are made durable at the same time.
const parallelWrites = 16

// unfinished is the end of the name of a file that is being written. One that is found was left by
// a process that was killed.
const unfinished = ".appbur-unfinished"

// OccupiedError is a directory that holds what rendering into it would lose.
type OccupiedError struct {
	Dir string
	// Foreign files were never rendered, Changed ones were and are different now.
	Foreign, Changed []string
}

func (e *OccupiedError) Error() string {
	var parts []string
	for _, part := range []struct {
		what  string
		files []string
	}{{"not rendered by appbur", e.Foreign}, {"changed since they were rendered", e.Changed}} {
		if n := len(part.files); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", n, part.what, appbur.Shortlist(part.files, 3)))
		}
	}
	return fmt.Sprintf("%s has files of others: %s", e.Dir, strings.Join(parts, ", "))
}

// Dir is a directory that can be rendered into without losing anything.
type Dir struct {
	path string
	was  listing
	// found are the files of an earlier rendering that are there, left are those that a killed
	// process did not finish.
	found map[string]appbur.Digest
	left  []string
}

// Open looks at a directory, which need not exist yet.
func Open(dir string) (*Dir, error) {
	d := &Dir{path: dir, found: make(map[string]appbur.Digest)}
	data, err := os.ReadFile(filepath.Join(dir, ListingFile))
	switch {
	case err == nil:
		if d.was, err = parseListing(data); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}

	occupied := &OccupiedError{Dir: dir}
	err = filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || at == dir {
			return err
		}
		name, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		return d.look(filepath.ToSlash(name), entry, occupied)
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, nil // it is made by Write
	case err != nil:
		return nil, err
	case len(occupied.Foreign)+len(occupied.Changed) > 0:
		return nil, occupied
	}
	return d, nil
}

// look judges one entry of the directory.
func (d *Dir) look(name string, entry fs.DirEntry, occupied *OccupiedError) error {
	switch {
	case name == ".git" && entry.IsDir():
		return fs.SkipDir // git keeps what it has committed
	case name == ".git" || entry.IsDir() || name == ListingFile:
		return nil
	case strings.HasSuffix(name, unfinished) && d.was.names(strings.TrimSuffix(name, unfinished)):
		d.left = append(d.left, name)
		return nil
	case !d.was.names(name) || !entry.Type().IsRegular():
		occupied.Foreign = append(occupied.Foreign, name)
		return nil
	}
	data, err := os.ReadFile(filepath.Join(d.path, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	digest := appbur.DigestOf(data)
	if !d.was.has(name, digest) {
		occupied.Changed = append(occupied.Changed, name)
	}
	d.found[name] = digest
	return nil
}

// Previous returns what was rendered to a path before, nil for nothing.
func (d *Dir) Previous(name string) []byte {
	if _, there := d.found[name]; !there {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(d.path, filepath.FromSlash(name)))
	if err != nil {
		return nil
	}
	return data
}

// Write makes the directory hold these files and nothing else of an earlier rendering. What is
// on its way is written down before, so that a run after a kill knows all files for its own.
func (d *Dir) Write(files []File) error {
	if err := durable.MkdirAll(d.path, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		if !filepath.IsLocal(filepath.FromSlash(file.Path)) || file.Path == ListingFile {
			return fmt.Errorf("%q is no path of a file in the directory", file.Path)
		}
	}
	target := listed(files)
	if err := d.list(listing{Format: listingFormat, Files: d.found, Pending: target}); err != nil {
		return err
	}

	if err := d.writeAll(files); err != nil {
		return err
	}
	gone := d.left
	for name := range d.found {
		if _, stays := target[name]; !stays {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		if err := d.remove(name); err != nil {
			return err
		}
	}
	return d.list(listing{Format: listingFormat, Files: target})
}

func (d *Dir) list(l listing) error {
	data, err := l.encode()
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(d.path, ListingFile), data, 0o644)
}

// writeAll writes the files that are not there yet, and then makes their names durable.
func (d *Dir) writeAll(files []File) error {
	dirs := make(map[string]bool)
	var group errgroup.Group
	group.SetLimit(parallelWrites)
	for _, file := range files {
		at := filepath.Join(d.path, filepath.FromSlash(file.Path))
		if !file.Private && d.found[file.Path] == appbur.DigestOf(file.Data) {
			continue
		}
		if dir := filepath.Dir(at); !dirs[dir] {
			dirs[dir] = true
			if err := durable.MkdirAll(dir, 0o755); err != nil {
				return errors.Join(err, group.Wait())
			}
		}
		group.Go(func() error { return place(at, file) })
	}
	if err := group.Wait(); err != nil {
		return err
	}

	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := durable.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// place writes one file whole.
func place(at string, file File) error {
	mode := fs.FileMode(0o644)
	if file.Private {
		mode = 0o600
	}
	err := durable.Restage(at+unfinished, mode, func(w io.Writer) error {
		_, err := w.Write(file.Data)
		return err
	})
	if err != nil {
		return err
	}
	return os.Rename(at+unfinished, at)
}

// remove takes away a file of an earlier rendering, and the directories that are empty then.
func (d *Dir) remove(name string) error {
	err := os.Remove(filepath.Join(d.path, filepath.FromSlash(name)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if os.Remove(filepath.Join(d.path, filepath.FromSlash(dir))) != nil {
			break // it has others
		}
	}
	return nil
}
