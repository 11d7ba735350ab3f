package gitsync

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
)

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
// branch, with its whole history, and the tags whose short names start with a
// prefix. The pack streams to the disk; memory is needed for its index and for one
// chain of deltas. Every object is hashed, and every object that another one names
// must be there. The repository appears whole or not at all.
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

	if err := removeAbandonedClones(parent); err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	lock, err := createUnfinishedClone(parent)
	if err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	build := lock.Name()
	defer func() { _ = lock.Close() }() // last: nobody takes for abandoned what is not gone yet
	defer func() { _ = os.RemoveAll(build) }()

	if err := writeSkeleton(build); err != nil {
		return nil, Cloned{}, fmt.Errorf("clone: %w", err)
	}
	done, err := fetchAll(ctx, build, remote, branch, tagPrefix, o)
	if errors.Is(err, ErrTooLarge) {
		// There is no copy yet whose configuration could allow it.
		return nil, done, appbur.WithHint(err,
			"appbur writes nothing that large; if it is meant: git clone --mirror "+remote.URL.String()+
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
	t, err := dial(ctx, remote, uploadPack, o)
	if err != nil {
		return Cloned{}, err
	}
	defer t.hangUp()
	refs := map[string]Hash{}
	for name, id := range t.refs {
		if name == branch || strings.HasPrefix(name, object.TagRefs+tagPrefix) {
			refs[name] = id
		}
	}
	tip, ok := refs[branch]
	if !ok {
		return Cloned{}, inState(RemoteEmpty, "", appbur.WithHint(fmt.Errorf("it has no %s", branch), "push to it first, or check the URL"))
	}
	done := Cloned{Tip: tip, Tags: len(refs) - 1, Skipped: t.odd}
	in, err := t.fetch(slices.Collect(maps.Values(refs)))
	if err != nil {
		return done, t.failed(err)
	}

	var index *indexer
	index = newIndexer(filepath.Join(dir, "objects", "pack"), func(n int64) {
		done.Bytes = n
		o.tell(Transfer{Remote: remote.Name, Phase: Receiving, Objects: len(index.objects), Total: int(index.count), Bytes: n})
	})
	index.resolved = func(deltas, total int) {
		o.tell(Transfer{Remote: remote.Name, Phase: ResolvingDeltas, Objects: deltas, Total: total, Bytes: done.Bytes})
	}
	if err := index.receive(in); err != nil {
		if errors.Is(err, errDisk) {
			return done, fmt.Errorf("clone: %w", err)
		}
		return done, t.failed(err)
	}

	t.dog.rest()
	t.hangUp()
	if err := index.finish(ctx, slices.Collect(maps.Values(refs))); err != nil {
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrObjectNotFound) {
			return done, inState(RemoteBroken, "", err)
		}
		return done, fmt.Errorf("clone: %w", err)
	}
	done.Objects = len(index.objects)
	return done, writePackedRefs(dir, refs)
}

// fetch requests everything below some objects, and returns the pack's stream.
func (t *session) fetch(want []Hash) (io.Reader, error) {
	slices.SortFunc(want, func(a, b Hash) int { return strings.Compare(string(a[:]), string(b[:])) })
	want = slices.Compact(want)

	capabilities := []string{"agent=appbur"}
	// multi_ack_detailed is not needed to ask for everything, but some servers
	// (Azure DevOps) speak to nobody without it.
	for _, c := range []string{"multi_ack_detailed", "side-band-64k", "ofs-delta", "no-progress"} {
		if t.can(c) {
			capabilities = append(capabilities, c)
		}
	}

	if t.value("object-format") != "" {
		capabilities = append(capabilities, "object-format=sha1")
	}

	answer, err := t.request(func(out io.Writer) error {
		request := bufio.NewWriter(out)
		for i, id := range want {
			list := ""
			if i == 0 {
				list = " " + strings.Join(capabilities, " ")
			}
			if err := writePacket(request, "want %s%s\n", id, list); err != nil {
				return err
			}
		}
		if err := writeFlush(request); err != nil {
			return err
		}
		if err := writePacket(request, "done\n"); err != nil {
			return err
		}
		return request.Flush()
	})
	if err != nil {
		return nil, err
	}

	packet, err := readPacket(answer)
	if err != nil {
		return nil, object.UnexpectedEOF(err)
	}
	if said, isError := strings.CutPrefix(string(packet), "ERR "); isError {
		return nil, serverSays(said)
	}
	if strings.TrimSpace(string(packet)) != "NAK" {
		return nil, fmt.Errorf("%w: no NAK before the pack", errNoPacket)
	}
	if slices.Contains(capabilities, "side-band-64k") {
		answer = &sideband{in: answer, words: &t.words}
	}
	return answer, nil
}

// writePackedRefs writes all refs in one file, as `git pack-refs` does.
func writePackedRefs(dir string, refs map[string]Hash) error {
	err := writeDurably(filepath.Join(dir, "packed-refs"), 0o644, func(w io.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(refs)) {
			if _, err := fmt.Fprintf(w, "%s %s\n", refs[name], name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clone: write refs: %w", err)
	}
	return durable.SyncDir(dir)
}
