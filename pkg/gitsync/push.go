package gitsync

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// PushWhat says what a remote shall hold.
type PushWhat struct {
	// Branch is the full name of the branch, for example [MainRef].
	Branch string
	// TagPrefix is how the short names of the tags begin that the remote shall
	// have as well.
	TagPrefix string
	// Besides is how the names of tags begin that belong beside the history: whether the remote lacks some is told.
	Besides string
	// Deleted are tags that were deleted here on purpose. A remote loses one only
	// if it holds the very same object; that a tag is not here is no reason.
	Deleted []DeletedTag
}

// DeletedTag is a tag that was deleted.
type DeletedTag struct {
	Name   string
	Object Hash
}

// Pushed says what a push did.
type Pushed struct {
	// Tip is the branch at the remote afterwards.
	Tip Hash
	// Commits counts those of the branch that were new, Added and Removed name tags.
	Commits        int
	Added, Removed []string
	// Objects and Bytes are what was sent.
	Objects int
	Bytes   int64
	// Learned is true when the connection broke after everything was sent and the
	// remote, when read again, had it all.
	Learned bool
	// NotesBehind says that the remote lacks notes that are here; [Repository.PushNotes] brings them. NotesMoved says that it
	// has notes that are not here.
	NotesBehind, NotesMoved bool
	// BesidesBehind says that the remote lacks tags of [PushWhat.Besides]; [Repository.PushBesides] brings them.
	BesidesBehind bool
}

// Push brings a remote up to date in one session: the branch, tags that it does
// not have, tags that were deleted. The server moves each ref only if it is where
// this session saw it, and all of them or none where it can. Only objects that
// the remote lacks are sent; they stream from the packs here.
//
// A remote that holds anything else than an older state of this repository is not
// touched. Errors are [RemoteError]s. When the connection breaks after the last
// byte the remote is read again to learn what became of it.
func (r *Repository) Push(ctx context.Context, remote Remote, what PushWhat, o RemoteOptions) (Pushed, error) {
	t, err := transport.Dial(ctx, remote, transport.ReceivePack, o)
	if err != nil {
		return Pushed{}, err
	}
	defer t.Close()
	t.Pause()
	plan, err := r.planPush(t.Advertisement, what)
	if err != nil {
		return Pushed{}, err
	}

	if len(plan.updates) == 0 {
		return plan.done, nil
	}
	if err := r.mayWrite(ctx); err != nil {
		return Pushed{}, err
	}
	t.Resume()
	err = r.send(t, &plan, remote.Name, o)
	if err == nil {
		return plan.done, nil
	}
	state := StateOf(err)
	if ctx.Err() != nil || transport.IsLocal(err) || state != RemoteInterrupted && state != RemoteSilent && state != RemoteUnknownCondition &&
		state != RemoteUnreachable {
		return Pushed{Bytes: plan.done.Bytes}, err
	}

	// The request may have been carried out although no answer came.
	refs, askErr := RemoteRefs(ctx, remote, o)
	if askErr != nil {
		return Pushed{Bytes: plan.done.Bytes}, err
	}

	for _, u := range plan.updates {
		if to := u.To; refs[u.Ref] != to {
			return Pushed{Bytes: plan.done.Bytes}, err
		}
	}

	plan.done.Learned = true
	return plan.done, nil
}

// send carries a plan out.
func (r *Repository) send(t *transport.Session, plan *pushPlan, remote string, o RemoteOptions) error {
	var sent atomic.Int64
	defer func() { plan.done.Bytes = sent.Load() }()
	if !plan.needsPack {
		return t.Push(plan.updates, plan.capabilities, nil)
	}

	return t.Push(plan.updates, plan.capabilities, func(out io.Writer) error {
		return r.objects.SendPack(out, plan.missing.objects, plan.missing.seen, func(objects int, n int64) {
			sent.Store(n)
			o.Report(Transfer{Remote: remote, Phase: Sending, Objects: objects, Total: len(plan.missing.objects), Bytes: n})
		})
	})
}
