package gitsync

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// reach finds what can be reached from some objects. It holds packs open and
// serves one goroutine.
type reach struct {
	objects *pack.Store
	readers map[*pack.Pack]*pack.Reader
	// shallow commits have parents that the repository never had.
	shallow map[Hash]bool
	seen    map[Hash]bool
}

func (r *Repository) newReach() (*reach, error) {
	w := &reach{objects: r.objects, readers: map[*pack.Pack]*pack.Reader{}, shallow: map[Hash]bool{}, seen: map[Hash]bool{}}
	data, err := os.ReadFile(filepath.Join(r.dir, pack.ShallowFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read shallow: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		id, err := ParseHash(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("%w: shallow: %w", ErrCorrupt, err)
		}
		w.shallow[id] = true
	}
	return w, nil
}

func (w *reach) close() {
	for _, reader := range w.readers {
		reader.Close()
	}
}

// read is the store's read through packs that stay open.
func (w *reach) read(id Hash) (pack.RawObject, error) {
	p, offset, ok := w.objects.Find(id)
	if !ok {
		return w.objects.Read(id)
	}
	reader := w.readers[p]
	if reader == nil {
		var err error
		if reader, err = p.Open(); err != nil {
			return w.objects.Read(id)
		}
		w.readers[p] = reader
	}
	o, err := reader.Read(offset)
	if err != nil {
		return pack.RawObject{}, fmt.Errorf("object %s: %w", id, err)
	}
	return o, pack.Prove(id, o)
}

// walk adds what can be reached from the tips to what was seen. If optional, what
// is missing is passed over; otherwise it is an error.
func (w *reach) walk(ctx context.Context, tips []Hash, optional bool) error {
	queue := slices.Clone(tips)
	for len(queue) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if w.seen[id] || id == object.EmptyTree {
			w.seen[id] = true
			continue
		}
		o, err := w.read(id)
		if optional && errors.Is(err, ErrObjectNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		w.seen[id] = true
		if queue, err = w.follow(queue, id, o); err != nil {
			return fmt.Errorf("%s %s: %w", o.Kind, id, err)
		}
	}

	return nil
}

// follow appends what an object refers to. Blobs are marked and not read.
func (w *reach) follow(queue []Hash, id Hash, o pack.RawObject) ([]Hash, error) {
	switch o.Kind {
	case plumbing.CommitObject:
		c, err := object.ParseCommit(o.Data)
		if err != nil {
			return nil, err
		}
		queue = append(queue, c.Tree)
		if !w.shallow[id] {
			queue = append(queue, c.Parents...)
		}
	case plumbing.TagObject:
		// A tag may be of anything; its first line says of what.
		line, _, _ := bytes.Cut(o.Data, []byte("\n"))
		target, err := ParseHash(strings.TrimPrefix(string(line), "object "))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		queue = append(queue, target)
	case plumbing.TreeObject:
		entries, err := object.DecodeTree(o.Data)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			switch {
			case e.IsDir():
				queue = append(queue, e.ID)
			case e.Mode != filemode.Submodule:
				w.seen[e.ID] = true
			}
		}
	}

	return queue, nil
}

// tips returns what refs point at, and what the logs of refs remember and need
// not exist any more.
func (r *Repository) tips() (refs, logs []Hash, err error) {
	if entries, err := os.ReadDir(filepath.Join(r.dir, "worktrees")); err == nil && len(entries) > 0 {
		return nil, nil, appbur.WithHint(fmt.Errorf("%w: the repository has worktrees, which may need objects that no ref does", ErrUnsupported),
			"prune with git gc, or remove them with git worktree remove")
	}
	names, err := r.refs.Names("")
	if err != nil {
		return nil, nil, err
	}

	for _, name := range append(names, "HEAD") {
		id, err := r.refs.Resolve(name)
		if errors.Is(err, ErrRefNotFound) {
			continue // deleted since, or a branch that is not born
		}
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, id)
	}

	err = filepath.WalkDir(filepath.Join(r.dir, "logs"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			fields := strings.SplitN(lines.Text(), " ", 3)
			for _, field := range fields[:min(2, len(fields))] {
				if id, err := ParseHash(field); err == nil && !id.IsZero() {
					logs = append(logs, id)
				}
			}
		}
		return lines.Err()
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read logs of refs: %w", err)
	}
	return refs, logs, nil
}
