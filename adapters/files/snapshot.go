package files

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/appbur/appbur/pkg/contract"
)

// rounds is how often a copy is made before files that change are a reason to fail.
const rounds = 3

// errMoved means that a file is not what it was a moment ago.
var errMoved = errors.New("files changed while they were read")

// Snapshot copies all chosen files and makes sure that none changed meanwhile.
func (a *Adapter) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	a.commits.RLock()
	defer a.commits.RUnlock()
	for range rounds {
		s, err := a.copy(ctx)
		if !errors.Is(err, errMoved) {
			return s, systemError("copying files", err)
		}
	}
	return nil, contract.NewError(contract.ReasonNotQuiesced, "%w, %d times in a row", errMoved, rounds)
}

// snapshot is a copy of the files, one behind the other in a file without a name.
type snapshot struct {
	copied   *os.File
	contents map[string][]content // by dataset
	owners   owners
}

// content is one file of a snapshot.
type content struct {
	entry
	target string // of a link
	offset int64
	mtime  bool
	owners ownerPolicy
}

func (a *Adapter) copy(ctx context.Context) (_ *snapshot, err error) {
	name := fmt.Sprintf("%s/export-%d", stageDir, a.copies.Add(1))
	f, err := a.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making room for a copy: %w", err)
	}
	s := &snapshot{copied: f, contents: map[string][]content{}, owners: a.newOwners()}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := a.root.Remove(name); err != nil {
		return nil, err
	}

	out := bufio.NewWriterSize(f, 1<<18)
	offset := int64(0)
	for i := range a.config.datasets {
		d := &a.config.datasets[i]
		entries, err := a.list(d)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			c := content{entry: e, offset: offset, mtime: d.mtime, owners: d.owners}
			if e.link {
				if c.target, err = a.root.Readlink(e.path); err != nil {
					return nil, moved(err)
				}
			} else if err := a.copyFile(out, e); err != nil {
				return nil, err
			}
			if !e.link {
				offset += e.info.Size()
			}
			s.contents[d.Name] = append(s.contents[d.Name], c)
		}
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}

	for i := range a.config.datasets {
		d := &a.config.datasets[i]
		again, err := a.list(d)
		if err != nil {
			return nil, err
		}
		if !slices.EqualFunc(s.contents[d.Name], again, func(c content, e entry) bool { return c.same(e) }) {
			return nil, errMoved
		}
	}
	return s, nil
}

// copyFile copies exactly as many bytes as the file had when it was found.
func (a *Adapter) copyFile(out io.Writer, e entry) error {
	f, err := openFile(a.root, e)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()

	if _, err := io.CopyN(out, f, e.info.Size()); err != nil {
		if errors.Is(err, io.EOF) {
			return errMoved
		}
		return err
	}
	return nil
}

// moved turns what becomes of opening a file that was there a moment ago into what it
// means: it is gone, a link or a socket took its place, or a directory on its path
// gave way to something else.
func moved(err error) error {
	for _, since := range []error{fs.ErrNotExist, syscall.ELOOP, syscall.ENXIO, syscall.ENOTDIR, syscall.EINVAL} {
		if errors.Is(err, since) {
			return errMoved
		}
	}
	return err
}

// Rows yields the files of a dataset, part by part.
func (s *snapshot) Rows(_ context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, c := range s.contents[dataset] {
			if c.link {
				if !yield(s.link(c)) {
					return
				}
				continue
			}
			if !s.parts(c, yield) {
				return
			}
		}
	}
}

func (s *snapshot) link(c content) (contract.Row, error) {
	r := row{Path: c.path, Link: &c.target}
	if err := s.owners.describe(&r, c.owners, c.info); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

func (s *snapshot) parts(c content, yield func(contract.Row, error) bool) bool {
	size := c.info.Size()
	reader := io.NewSectionReader(s.copied, c.offset, size)
	var rest []byte
	for part := 0; ; part++ {
		data, carry, err := nextPart(reader, rest)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			yield(nil, err)
			return false
		}
		if ended && len(data) == 0 && part > 0 {
			return true
		}

		r := row{Path: c.path, Part: part, Size: &size, Mode: fmt.Sprintf("%04o", c.info.Mode().Perm())}
		if c.mtime {
			r.Mtime = c.info.ModTime().UTC().Format(time.RFC3339Nano)
		}
		if err := s.owners.describe(&r, c.owners, c.info); err != nil {
			yield(nil, err)
			return false
		}
		r.setContent(data)
		if !yield(json.Marshal(r)) {
			return false
		}
		if rest = carry; ended {
			return true
		}
	}
}

// Close frees the copy.
func (s *snapshot) Close() error { return s.copied.Close() }
