package gitsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// unfinishedFetch begins the names of directories in which packs are received, in the repository.
const unfinishedFetch = "appbur-fetch-"

// FetchWhat says what is taken from a remote.
type FetchWhat struct {
	// Branch is the full name of the branch, for example [MainRef].
	Branch string
	// TagPrefix is how the short names of the tags begin that are taken as well.
	TagPrefix string
	// Besides is how the names of tags begin that belong beside the history, and that are taken without a word.
	Besides string
	// Deleted are tags that were deleted here on purpose, and that do not come back.
	Deleted []DeletedTag
	// Approve is asked before a ref moves, with what the remote has; nil approves of everything.
	Approve func(Fetched) error
}

// Fetched says what a fetch found and did.
type Fetched struct {
	// State is how the remote was related to this repository: [RemoteAhead] if it was newer, and the
	// branch here is where it is there now. In any other state the branch stays.
	State RemoteState
	// Tip is the branch at the remote, zero if it has none.
	Tip Hash
	// Commits counts those of the branch that came, Tags names tags that did.
	Commits int
	Tags    []string
	// Others names tags that are others here than there. Neither is touched.
	Others []string
	// Objects and Bytes are what was received.
	Objects int
	Bytes   int64
}

// Fetch takes from a remote what is newer there: objects, tags, and commits of the branch if they continue
// what is here. Nothing that is here is ever replaced or deleted. A branch that is another
// at the remote is no error: the state says it, and its commits are here, below refs/remotes as
// stock git does, for whoever wants to join them.
//
// Every object is hashed, and every object that another one names must be there. A process that dies on the way leaves
// nothing that counts.
func (r *Repository) Fetch(ctx context.Context, remote Remote, what FetchWhat, o RemoteOptions) (Fetched, error) {
	if err := tempfile.RemoveAbandonedDirs(r.dir, unfinishedFetch); err != nil {
		return Fetched{}, fmt.Errorf("fetch: %w", err)
	}
	t, err := transport.Dial(ctx, remote, transport.UploadPack, o)
	if err != nil {
		return Fetched{}, err
	}
	defer t.Close()
	f := &fetch{repo: r, remote: remote, what: what, options: o, there: t.Advertisement}
	if err := f.compare(); err != nil {
		return f.done, err
	}
	if len(f.wanted) == 0 && len(f.tags) == 0 {
		// Nothing has come that has to be proven whole, and no ref moves.
		if err := f.relate(); err != nil || f.done.State != RemoteAhead {
			return f.done, errors.Join(err, f.approve())
		}
	}
	if len(f.wanted) > 0 {
		if err := f.receive(ctx, t); err != nil {
			return f.done, err
		}
	}
	t.Close()
	return f.finish(ctx)
}

// fetch is one fetch under way.
type fetch struct {
	repo    *Repository
	remote  Remote
	what    FetchWhat
	options RemoteOptions
	there   transport.Advertisement
	done    Fetched
	// ours is the branch here; wanted are objects that are not here; tags are refs to make.
	ours   Hash
	wanted []Hash
	tags   map[string]Hash
	// notes are those of the remote, zero for none.
	notes Hash
}

// compare finds what the remote has and this repository has not.
func (f *fetch) compare() error {
	ours, err := f.repo.refs.Resolve(f.what.Branch)
	if err != nil {
		return err
	}
	f.ours, f.tags = ours, map[string]Hash{}
	if err := f.repo.objects.Rescan(); err != nil {
		return err
	}
	if tip, has := f.there.Refs[f.what.Branch]; has {
		f.done.Tip = tip
		if err := f.want(tip); err != nil {
			return err
		}
	}

	if err := f.wantNotes(); err != nil {
		return err
	}
	deleted := map[string]Hash{}
	for _, tag := range f.what.Deleted {
		deleted[object.TagRefs+tag.Name] = tag.Object
	}
	for _, name := range slices.Sorted(maps.Keys(f.there.Refs)) {
		theirs := f.there.Refs[name]
		if !f.what.takes(name) || deleted[name] == theirs {
			continue
		}
		switch here, err := f.repo.refs.Resolve(name); {
		case errors.Is(err, ErrRefNotFound):
			f.tags[name] = theirs
			if err := f.want(theirs); err != nil {
				return err
			}
		case err != nil && !errors.Is(err, ErrCorrupt):
			return err
		case here != theirs && !f.what.isBeside(name):
			f.done.Others = append(f.done.Others, strings.TrimPrefix(name, object.TagRefs))
		}
	}
	return nil
}

// want notes an object that is not here. One that is here may lack what it leads to, if a prune was at it: the
// check at the end tells.
func (f *fetch) want(id Hash) error {
	_, err := f.repo.objects.Read(id)
	if errors.Is(err, ErrObjectNotFound) {
		f.wanted = append(f.wanted, id)
		return nil
	}
	return err
}

// receive takes what is missing into a directory of its own, proves that it is whole, and puts it in place.
func (f *fetch) receive(ctx context.Context, t *transport.Session) error {
	have, err := f.repo.common(f.what)
	if err != nil {
		return err
	}
	dir, err := tempfile.CreateDir(f.repo.dir, unfinishedFetch)
	if err != nil {
		return pack.DiskError(f.repo.dir, fmt.Errorf("fetch: %w", err))
	}
	defer func() { _ = dir.Close() }()
	defer removeAll(dir.Name())
	in, err := t.Fetch(slices.Clone(f.wanted), have)
	if err != nil {
		return t.Failed(err)
	}

	var index *pack.Receiver
	index = f.repo.objects.NewReceiver(dir.Name(), func(n int64) {
		f.done.Bytes = n
		f.options.Report(Transfer{
			Remote: f.remote.Name, Phase: Receiving, Objects: len(index.Objects), Total: int(index.Count), Bytes: n,
		})
	})
	if err := index.Receive(in); err != nil {
		if errors.Is(err, pack.ErrDisk) {
			return pack.DiskError(f.repo.dir, fmt.Errorf("fetch: %w", err))
		}
		if errors.Is(err, pack.ErrNotAPack) {
			err = fmt.Errorf("%w: %w", transport.ErrNoPacket, err)
		}
		return t.Failed(err)
	}

	t.Pause()
	t.Close()
	if err := index.Finish(ctx, f.wanted); err != nil {
		return broken(err)
	}
	f.done.Objects = len(index.Objects)
	return f.repo.objects.Rescan()
}

// broken is an error about objects that the remote sent, or did not send.
func broken(err error) error {
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrObjectNotFound) {
		return transport.NewError(RemoteBroken, "", err)
	}
	return fmt.Errorf("fetch: %w", err)
}
