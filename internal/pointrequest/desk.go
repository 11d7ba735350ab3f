package pointrequest

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// DeskOptions say how requests are answered.
type DeskOptions struct {
	// Identity is what the Lease calls this process.
	Identity string
	// Patch changes the Lease.
	Patch func(ctx context.Context, how types.PatchType, patch []byte) error
	// Make makes a restore point.
	Make func(context.Context) (point appbur.RestorePointID, partial bool, err error)
	Hint func(error) string
	Now  func() time.Time
	Log  *slog.Logger
}

// Desk answers requests while this process leads.
type Desk struct {
	o DeskOptions
	// newest is the Lease as it was seen last.
	newest chan *coordination.Lease
	// done are requests that need no answer of this process any more; they may be seen again in an older Lease.
	done map[string]bool
}

// NewDesk returns a desk.
func NewDesk(o DeskOptions) *Desk {
	return &Desk{o: o, newest: make(chan *coordination.Lease, 1), done: map[string]bool{}}
}

// See takes the Lease as this process holds it. It does not wait. It serves one goroutine.
func (d *Desk) See(lease *coordination.Lease) {
	select {
	case <-d.newest:
	default:
	}
	d.newest <- lease
}

// Run answers until ctx ends. What is not answered by then is left to the next leader.
func (d *Desk) Run(ctx context.Context) {
	for {
		select {
		case lease := <-d.newest:
			d.tidy(ctx, lease)
			d.serve(ctx, lease)
		case <-ctx.Done():
			return
		}
	}
}

// keptFor is how long an answer waits for who asked.
const keptFor = time.Hour

// tidy takes old answers away.
func (d *Desk) tidy(ctx context.Context, lease *coordination.Lease) {
	gone := map[string]*string{}
	for _, key := range outdated(lease, d.o.Now().Add(-keptFor)) {
		gone[key] = nil
	}
	if len(gone) > 0 {
		if err := d.o.Patch(ctx, types.MergePatchType, merge(gone)); err != nil && ctx.Err() == nil {
			d.o.Log.Debug("old answers on the Lease were not taken away", "reason", err.Error())
		}
	}
}

// serve makes one point for all who have asked by now.
func (d *Desk) serve(ctx context.Context, lease *coordination.Lease) {
	asked := pending(lease)
	maps.DeleteFunc(d.done, func(id string, _ bool) bool { return asked[id] == "" })
	maps.DeleteFunc(asked, func(id, _ string) bool { return d.done[id] })
	if len(asked) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(asked))
	d.o.Log.Info("a restore point is asked for", "requests", ids)
	point, partial, err := d.o.Make(ctx)
	if ctx.Err() != nil {
		return
	}

	answer := Answer{At: d.o.Now().UTC(), By: d.o.Identity, Point: point, Partial: partial}
	if err != nil {
		answer.Error, answer.Hint = short(err.Error()), short(d.o.Hint(err))
	}
	for _, id := range ids {
		d.answer(ctx, id, asked[id], answer)
	}
}

// longest bounds the texts of an answer; a Lease has room for some hundred of them.
const longest = 1000

func short(text string) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

// answerBackoff is between tries to write an answer.
var answerBackoff = backoff.Backoff{First: time.Second, Most: 15 * time.Second}

// answer replaces a request by its answer, if this process still leads and the request still stands.
func (d *Desk) answer(ctx context.Context, id, asked string, answer Answer) {
	patch := encode([]operation{
		{Op: "test", Path: "/spec/holderIdentity", Value: d.o.Identity},
		{Op: "test", Path: at(RequestPrefix + id), Value: asked},
		{Op: "remove", Path: at(RequestPrefix + id)},
		{Op: "add", Path: at(AnswerPrefix + id), Value: string(encode(answer))},
	})
	for failures := 0; ; failures++ {
		err := d.o.Patch(ctx, types.JSONPatchType, patch)
		switch {
		case err == nil:
			d.done[id] = true
			d.o.Log.Info("answered who asked for a restore point", "request", id, "point", answer.Point, "error", answer.Error)
			return
		case ctx.Err() != nil:
			return
		case apierrors.IsInvalid(err), apierrors.IsNotFound(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err):
			d.done[id] = true
			d.o.Log.Warn("who asked for a restore point was not answered: the request is gone, or another process leads", "request", id,
				"reason", err.Error())
			return
		}
		if backoff.Sleep(ctx, answerBackoff.Delay(failures)) != nil {
			return
		}
	}
}
