package gitsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/refs"
	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// unfinishedClone begins the names of directories in which clones are made, next to
// where they will be.
const unfinishedClone = ".appbur-clone-"

// Cloned says what a clone brought.
type Cloned struct {
	Tip     Hash
	Tags    int
	Objects int
	Bytes   int64
	// Skipped are names that the remote lists and that no ref can have, made fit to be
	// shown.
	Skipped []string
}

// Clone makes a repository in a new or empty directory that holds a remote's
// branch, with its complete history, and the tags whose short names start with a
// prefix. The pack streams to the disk; memory is needed for its index and for one
// chain of deltas. Every object is hashed, and every object that another one names
// must be there. The repository appears complete or not at all.
//
// HEAD of the new repository is [MainRef], whatever it is at the remote.
func Clone(ctx context.Context, dir string, remote Remote, branch, tagPrefix string, o RemoteOptions) (*Repository, Cloned, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	if len(entries) > 0 {
		return nil, Cloned{}, appbur.WithHint(fmt.Errorf("clone: %s %w", dir, ErrExists), "choose a new or empty directory")
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := durable.MkdirAll(parent, 0o755); err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}

	if err := tempfile.RemoveAbandonedDirs(parent, unfinishedClone); err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	lock, err := tempfile.CreateDir(parent, unfinishedClone)
	if err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	build := lock.Name()
	defer func() { _ = lock.Close() }() // last: no process takes for abandoned what is not gone yet
	defer func() { _ = os.RemoveAll(build) }()

	if err := writeSkeleton(build); err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	done, err := fetchAll(ctx, build, remote, branch, tagPrefix, o)
	if errors.Is(err, ErrTooLarge) {
		// There is no copy yet whose configuration could allow it.
		return nil, done, appbur.WithHint(err,
			"appbur writes nothing that large; if it is meant: git clone --mirror "+remote.URL.Whole().String()+
				", and set the limits of that copy (docs/points.md)")
	}
	if err != nil {
		return nil, done, err
	}

	reserve(build)
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, done, fmt.Errorf("clone: %w", err)
	}
	if err := os.Rename(build, dir); err != nil {
		return nil, done, fmt.Errorf("clone: %w", err)
	}
	if err := durable.SyncDir(parent); err != nil {
		return nil, done, fmt.Errorf("clone: %w", err)
	}
	r, err := Open(dir)
	return r, done, err
}

// fetchAll brings refs and objects into a skeleton.
func fetchAll(ctx context.Context, dir string, remote Remote, branch, tagPrefix string, o RemoteOptions) (Cloned, error) {
	t, err := transport.Dial(ctx, remote, transport.UploadPack, o)
	if err != nil {
		return Cloned{}, err
	}
	defer t.Close()
	found := map[string]Hash{}
	for name, id := range t.Refs {
		if name == branch || name == NotesRef || strings.HasPrefix(name, object.TagRefs+tagPrefix) {
			found[name] = id
		}
	}
	tip, ok := found[branch]
	if !ok {
		return Cloned{}, transport.NewError(RemoteEmpty, "",
			appbur.WithHint(fmt.Errorf("it has no %s", branch), "push to it first, or check the URL"))
	}
	done := Cloned{Tip: tip, Tags: tagsIn(found), Skipped: t.Odd}
	in, err := t.Fetch(slices.Collect(maps.Values(found)), nil)
	if err != nil {
		return done, t.Failed(err)
	}

	var index *pack.Receiver
	index = pack.NewReceiver(filepath.Join(dir, "objects", "pack"), func(n int64) {
		done.Bytes = n
		o.Report(Transfer{Remote: remote.Name, Phase: Receiving, Objects: len(index.Objects), Total: int(index.Count), Bytes: n})
	})
	index.Resolved = func(deltas, total int) {
		o.Report(Transfer{Remote: remote.Name, Phase: ResolvingDeltas, Objects: deltas, Total: total, Bytes: done.Bytes})
	}
	if err := index.Receive(in); err != nil {
		if errors.Is(err, pack.ErrDisk) {
			return done, fmt.Errorf("clone: %w", err)
		}
		if errors.Is(err, pack.ErrNotAPack) {
			err = fmt.Errorf("%w: %w", transport.ErrNoPacket, err)
		}
		return done, t.Failed(err)
	}

	t.Pause()
	t.Close()
	if err := index.Finish(ctx, slices.Collect(maps.Values(found))); err != nil {
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrObjectNotFound) {
			return done, transport.NewError(RemoteBroken, "", err)
		}
		return done, fmt.Errorf("clone: %w", err)
	}
	done.Objects = len(index.Objects)
	if err := (&refs.Store{Dir: dir}).WritePacked(found); err != nil {
		return done, fmt.Errorf("clone: %w", err)
	}
	return done, nil
}

// tagsIn counts tags among refs.
func tagsIn(refs map[string]Hash) (n int) {
	for name := range refs {
		if strings.HasPrefix(name, object.TagRefs) {
			n++
		}
	}
	return n
}
