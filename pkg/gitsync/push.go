package gitsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/appbur/appbur"
)

// PushWhat says what a remote shall hold.
type PushWhat struct {
	// Branch is the full name of the branch, for example [MainRef].
	Branch string
	// TagPrefix is how the short names of the tags begin that the remote shall
	// have as well.
	TagPrefix string
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
	// remote, asked again, had it all.
	Learned bool
}

// Push brings a remote up to date in one session: the branch, tags that it does
// not have, tags that were deleted. The server moves each ref only if it is where
// this session saw it, and all of them or none where it can. Only objects that
// the remote lacks are sent; they stream from the packs here.
//
// A remote that holds anything else than an older state of this repository is not
// touched. Errors are [RemoteError]s. When the connection breaks after the last
// byte the remote is asked again what became of it.
func (r *Repository) Push(ctx context.Context, remote Remote, what PushWhat, o RemoteOptions) (Pushed, error) {
	t, err := dial(ctx, remote, receivePack, o)
	if err != nil {
		return Pushed{}, err
	}
	defer t.hangUp()
	t.dog.rest()
	plan, err := r.planPush(t.advertisement, what)
	if err != nil {
		return Pushed{}, err
	}

	if len(plan.updates) == 0 {
		return plan.done, nil
	}
	t.dog.touch()
	err = r.send(t, &plan, remote.Name, o)
	if err == nil {
		return plan.done, nil
	}
	state := StateOf(err)
	if ctx.Err() != nil || ownFailure(err) || state != RemoteInterrupted && state != RemoteSilent && state != RemoteUnknownCondition &&
		state != RemoteUnreachable {
		return Pushed{Bytes: plan.done.Bytes}, err
	}

	// The request may have been carried out although nobody said so.
	refs, askErr := RemoteRefs(ctx, remote, o)
	if askErr != nil {
		return Pushed{Bytes: plan.done.Bytes}, err
	}

	for _, u := range plan.updates {
		if to := u.to; refs[u.ref] != to {
			return Pushed{Bytes: plan.done.Bytes}, err
		}
	}

	plan.done.Learned = true
	return plan.done, nil
}

// send carries a plan out.
func (r *Repository) send(t *session, plan *pushPlan, remote string, o RemoteOptions) error {
	var (
		sent atomic.Int64
		// home is what went wrong here while the pack was sent. The server only sees
		// that it ended too early, so this comes first.
		home atomic.Pointer[homeError]
	)

	answer, err := t.request(func(out io.Writer) error {
		if err := writeCommands(out, plan.updates, plan.capabilities); err != nil {
			return err
		}
		if !plan.needsPack {
			return nil
		}
		err := r.objects.sendPack(out, plan.missing.objects, plan.missing.seen, func(objects int, n int64) {
			sent.Store(n)
			o.tell(Transfer{Remote: remote, Phase: Sending, Objects: objects, Total: len(plan.missing.objects), Bytes: n})
		})
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrObjectNotFound) {
			home.Store(&homeError{err})
		}
		return err
	})

	defer func() { plan.done.Bytes = sent.Load() }()
	if err != nil {
		return cmp.Or(home.Load().hinted(), t.failed(err))
	}
	if slices.Contains(plan.capabilities, "side-band-64k") {
		answer = &sideband{in: answer, words: &t.words}
	}
	report, err := readReport(answer)
	if failure := home.Load(); failure != nil {
		return failure.hinted()
	}
	if err != nil {
		return t.failed(err)
	}

	// What follows the report can only be a hook's last words; that they are cut
	// off changes nothing.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer, 1<<20))
	t.hangUp()
	return report.verdict(plan.updates, t.messages())
}

// verdict makes an error of a report that tells of anything but success.
func (p pushReport) verdict(updates []refUpdate, said string) error {
	if p.unpack != "ok" {
		text := said + "\n" + p.unpack
		state, ok := stateSaid(text)
		if !ok {
			state = RemoteBroken
		}
		return inState(state, said, fmt.Errorf("the server could not take the pack: %s", cleanSaid(p.unpack)))
	}

	var why string
	var refused []string
	for _, u := range updates {
		reason, told := p.refs[u.ref]
		if !told {
			reason = "the server did not say what became of it"
		}
		if reason == "" {
			continue
		}
		refused = append(refused, fmt.Sprintf("%s: %s", u.ref, cleanSaid(reason)))
		// In an atomic push most refs are refused because of another.
		if !strings.Contains(reason, "atomic") {
			why += "\n" + reason
		}
	}

	if len(refused) == 0 {
		return nil
	}

	// The hook's words are looked at first: forges say there what a hook is about.
	state, ok := stateSaid(said + why)
	if !ok {
		state = RemoteRefused
	}
	return inState(state, said, fmt.Errorf("the server refused %s", appbur.Shortlist(refused, 6)))
}
