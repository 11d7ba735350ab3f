package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/appbur/appbur/pkg/contract"
)

// waiting is the directory of files that wait for a commit, kept those that the
// commit replaces. There is one import at a time.
const (
	waiting = stageDir + "/new"
	kept    = stageDir + "/old"
)

// Begin makes room for files that wait.
func (a *Adapter) Begin(context.Context) (contract.Transaction, error) {
	if err := clean(a.root); err != nil {
		return nil, systemError("making room for files", err)
	}
	for _, dir := range []string{waiting, kept} {
		if err := a.root.Mkdir(dir, 0o700); err != nil {
			return nil, systemError("making room for files", err)
		}
	}
	return &transaction{adapter: a, paths: map[string]bool{}, owners: a.newOwners()}, nil
}

// clean removes what an import left that never came to its commit point.
func clean(root *os.Root) error {
	return errors.Join(root.RemoveAll(waiting), root.RemoveAll(kept), root.RemoveAll(newDir))
}

type transaction struct {
	adapter  *Adapter
	replaced []*dataset
	journal  journal
	paths    map[string]bool
	owners   owners
}

// Replace lets the files of the rows wait for the commit.
func (tx *transaction) Replace(ctx context.Context, name string, rows iter.Seq2[contract.Row, error]) error {
	d, err := tx.adapter.dataset(name)
	if err != nil {
		return err
	}
	current := &growing{}
	defer current.close()

	number := 0
	for data, err := range rows {
		if err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		number++
		if err := tx.take(d, current, data); err != nil {
			return invalid(d, number, err)
		}
	}
	if err := current.finish(); err != nil {
		return invalid(d, number, err)
	}

	for path := range tx.paths {
		for i := range path {
			if path[i] == '/' && tx.paths[path[:i]] {
				return contract.NewError(contract.ReasonPayloadInvalid, "dataset %s: the payload has a file where another one needs a directory",
					d.Name).With("dataset", d.Name)
			}
		}
	}
	tx.replaced = append(tx.replaced, d)
	return nil
}

// errRow is a row that cannot be a file.
var errRow = errors.New("the row is invalid")

// invalid says which row is wrong. Errors of the file system stay what they are.
func invalid(d *dataset, number int, err error) error {
	if !errors.Is(err, errRow) {
		return systemError("dataset "+d.Name+": writing files beside those that are there; nothing was changed", err)
	}
	return contract.NewError(contract.ReasonPayloadInvalid, "dataset %s: row %d: %w", d.Name, number, err).
		With("dataset", d.Name).With("row", fmt.Sprint(number))
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errRow}, args...)...)
}

// take adds one row to the file that grows, or begins the next one.
func (tx *transaction) take(d *dataset, current *growing, data contract.Row) error {
	r, content, mode, mtime, err := parseRow(data)
	if err != nil {
		return wrong("%w", err)
	}
	if current.file != nil && r.Path == current.row.Path {
		return current.add(r, content)
	}
	if err := current.finish(); err != nil {
		return err
	}
	if r.Part != 0 {
		return wrong("the first part of a file is missing")
	}
	if err := tx.admit(d, r); err != nil {
		return err
	}
	to, err := tx.owners.wanted(d, r)
	if err != nil {
		return err
	}

	staged := fmt.Sprintf("%s/%d", waiting, len(tx.journal.Actions))
	if r.Link != nil {
		if err := tx.adapter.root.Symlink(*r.Link, staged); err != nil {
			return err
		}
		tx.journal.Actions = append(tx.journal.Actions, action{Path: r.Path, New: staged, Owned: to != nil})
		if to != nil {
			return give(tx.adapter.root, d, staged, *to)
		}
		return nil
	}
	f, err := tx.adapter.root.OpenFile(staged, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	*current = growing{file: f, row: r, mode: mode, mtime: mtime, root: tx.adapter.root, staged: staged, dataset: d, owner: to}
	tx.journal.Actions = append(tx.journal.Actions, action{Path: r.Path, New: staged, Owned: to != nil})
	return current.write(content)
}

// admit refuses a path that the dataset does not choose or that others contradict.
func (tx *transaction) admit(d *dataset, r row) error {
	if tx.adapter.owner(r.Path) != d {
		return wrong("its path is not one that the dataset chooses")
	}
	if r.Link != nil && d.links != keepLinks {
		return wrong("it is a symbolic link, and the configuration does not keep them")
	}
	if tx.paths[r.Path] {
		return wrong("the path comes twice")
	}
	tx.paths[r.Path] = true
	if linked, err := linkAbove(tx.adapter.root, r.Path); err != nil {
		return err
	} else if linked {
		return wrong("its path leads through a symbolic link")
	}
	return nil
}

// growing is a file whose parts arrive.
type growing struct {
	file    *os.File
	row     row
	parts   int
	size    int64
	mode    fs.FileMode
	mtime   time.Time
	root    *os.Root
	staged  string
	dataset *dataset
	owner   *owner // nil leaves it to what was there
}

func (g *growing) add(r row, content []byte) error {
	if r.Part != g.parts || *r.Size != *g.row.Size || r.Mode != g.row.Mode || r.Mtime != g.row.Mtime ||
		r.Owner != g.row.Owner || r.Group != g.row.Group {
		return wrong("it does not continue the part before it")
	}
	return g.write(content)
}

func (g *growing) write(content []byte) error {
	g.parts++
	g.size += int64(len(content))
	_, err := g.file.Write(content)
	return err
}

// finish makes the file durable. Nothing is done when there is none.
func (g *growing) finish() error {
	if g.file == nil {
		return nil
	}
	if g.size != *g.row.Size {
		return wrong("the file has %d bytes, its parts %d", *g.row.Size, g.size)
	}
	err := errors.Join(g.file.Chmod(g.mode), g.file.Sync())
	g.close()
	if err == nil && !g.mtime.IsZero() {
		err = g.root.Chtimes(g.staged, g.mtime, g.mtime)
	}
	if err == nil && g.owner != nil {
		err = give(g.root, g.dataset, g.staged, *g.owner)
	}
	return err
}

// close closes the file. It was synced, or is not wanted.
func (g *growing) close() {
	if g.file != nil {
		_ = g.file.Close()
		g.file = nil
	}
}

// Commit puts the files in place. Exports wait until it is over.
func (tx *transaction) Commit(context.Context) error {
	return systemError("putting files in place", tx.commit())
}

func (tx *transaction) commit() error {
	a := tx.adapter
	a.commits.Lock()
	defer a.commits.Unlock()
	for _, d := range tx.replaced {
		held, err := a.list(d)
		if err != nil {
			return err
		}
		for _, e := range held {
			if !tx.paths[e.path] {
				tx.journal.Actions = append(tx.journal.Actions, action{Path: e.path})
			}
		}
	}
	return tx.journal.commit(a.root)
}

// Rollback removes the files that wait. Without a commit nothing else was touched; a
// commit that failed has put back what it could.
func (tx *transaction) Rollback(context.Context) error {
	if _, err := tx.adapter.root.Lstat(journalName); err == nil {
		return errors.New("the import is neither undone nor done; starting the adapter again finishes it")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return clean(tx.adapter.root)
}

// parent returns the directory that a path is in.
func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return "."
}
