package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/session"
)

// targetRun is one run of a restore with what it keeps in its target.
type targetRun struct {
	ctx context.Context
	// lock and log are nil in a dry run, and without a lock.
	lock *session.Lock
	log  *session.Log
	// before is what a dry run finds on record, if the restore would continue it.
	before  *session.Record
	release func() error
	answer  *runAnswer
}

// runAnswer is what `restore --json` says of the run (docs/json.md).
type runAnswer struct {
	// ID identifies the restore: a run that continues one has the same.
	ID        string `json:"id"`
	Continues bool   `json:"continues"`
	// TakenFrom is who had the lock and did not release it, Why why it could be taken.
	TakenFrom *session.Holder `json:"takenFrom,omitempty"`
	Why       string          `json:"why,omitempty"`
}

// openRun takes the lock of the target and reads what was done, for a run that writes. A dry run
// only reads.
func (e *env) openRun(ctx context.Context, o *restoreOptions, made planned, writes bool) (*targetRun, error) {
	run := &targetRun{ctx: ctx, release: func() error { return nil }}
	who := e.holder(ctx, &o.planOptions, made)
	intent := session.Intent{Point: who.Point, Part: who.Part, User: who.User, Host: who.Host}
	switch {
	case o.noLock || len(made.plan.Blocked()) > 0 && !o.policy.AllowBlocked:
		return run, nil
	case !writes:
		record, err := session.Read(ctx, made.plain)
		if err == nil && record.Continues(intent) && !o.anew {
			run.before = record
		}
		return run, nil // an account that may not read it is told by the review of its rights
	}

	lock, taken, err := session.Take(ctx, made.plain, who, session.Options{
		Now: e.now, Random: e.rand, TakeOver: o.takeOver, Gone: processGone,
	})
	switch {
	case restore.IsAdmission(err):
		// What this restore brings may be the backend that does not answer.
		e.warn("no lock was taken, and others are not stopped, because admission in the target refuses it: %v", err)
		return run, nil
	case apierrors.IsForbidden(err) && len(made.plan.Apps) == 0:
		return run, nil // the review of the rights has found nothing to write
	case apierrors.IsForbidden(err):
		return nil, appbur.WithHint(fmt.Errorf("taking the lock of the target: %w", err),
			"have an administrator apply the roles that `appbur plan` shows, or pass --no-lock")
	case err != nil:
		return nil, clusterHint(fmt.Errorf("taking the lock of the target: %w", err))
	}
	run.lock = lock
	run.ctx, run.release = lock.Hold(ctx)
	run.log, err = session.Open(run.ctx, lock.Cluster(), intent, o.anew, e.now, e.rand)
	if restore.IsAdmission(err) {
		e.warn("nothing is kept of what is imported, because admission in the target refuses it: %v", err)
		run.log = nil
		return run, nil
	}
	if err != nil {
		return nil, errors.Join(clusterHint(err), run.release())
	}

	run.answer = &runAnswer{ID: run.log.ID(), TakenFrom: taken.From, Why: taken.Why}
	if before := run.log.Before(); before != nil {
		run.answer.Continues = before.ID == run.log.ID()
	}
	e.sayRun(run)
	return run, nil
}

// holder says who restores what.
func (e *env) holder(ctx context.Context, o *planOptions, made planned) session.Holder {
	host, _ := os.Hostname()
	who := session.Holder{
		Host: host, Point: made.plan.Point, Part: partText(made.plan.Part), Started: e.now(), Process: ownProcess(),
	}
	if who.User = restore.Account(ctx, made.plain); who.User == "" { // old servers do not say it
		if chosen := o.kubeconfigFile().Contexts[o.contextName()]; chosen != nil {
			who.User = chosen.AuthInfo
		}
	}
	return who
}

// sayRun says what the target had on record.
func (e *env) sayRun(run *targetRun) {
	if from := run.answer.TakenFrom; from != nil {
		what := map[string]string{
			session.Expired:   "its lock has expired",
			session.Ended:     "that process has ended without releasing its lock",
			session.TakenOver: "its lock was taken over, and it stops before its next write",
		}[run.answer.Why]
		e.warn("%s: %s", *from, what)
	}
	before := run.log.Before()
	switch {
	case before == nil || before.State == session.Complete:
	case run.answer.Continues:
		e.say("continuing the restore that was begun at %s", before.Started.Format(time.RFC3339))
	default:
		e.warn("the restore of %s that was begun at %s (%s on %s) has not come to its end; this is another one", before.Point,
			before.Started.Format(time.RFC3339), before.User, before.Host)
	}
}

// cluster is the target as the run writes to it.
func (r *targetRun) cluster(plain restore.Cluster) restore.Cluster {
	if r.lock == nil {
		return plain
	}
	return r.lock.Cluster()
}

// once has an importer import each application once in this restore.
func (r *targetRun) once(importer *apps.Importer) restore.Importer {
	return &onceImporter{importer, r.log, r.before}
}

// end notes how the run ended and releases the lock. It returns the error of the run, or why it
// lost its lock.
func (r *targetRun) end(e *env, err error) error {
	if cause := context.Cause(r.ctx); errors.Is(cause, session.ErrLost) {
		_ = r.release()
		return cause
	}
	if r.log != nil && r.ctx.Err() == nil {
		state := session.Complete
		if err != nil {
			state = session.Incomplete
		}
		if noted := r.log.End(r.ctx, state); noted != nil {
			e.warn("%v", noted)
		}
	}
	if released := r.release(); released != nil {
		e.warn("the lock of the restore was not released and expires within a minute: %v", released)
	}
	return err
}

// onceImporter imports what the restore has not imported yet, under operation ids that the target
// keeps.
type onceImporter struct {
	*apps.Importer
	log    *session.Log
	before *session.Record
}

// Import implements [restore.Importer].
func (i *onceImporter) Import(ctx context.Context, app appbur.AppState) (restore.Imported, error) {
	target, err := i.Target(ctx, app.AppKey)
	if err != nil {
		return restore.Imported{}, err
	}
	if i.log == nil {
		if i.before != nil {
			if done := i.before.Import(app.AppKey, target.Identity()); done != nil {
				return earlier(done), nil
			}
		}
		return i.ImportInto(ctx, target, app)
	}

	id, done, err := i.log.Begin(ctx, app.AppKey, target.Identity())
	if restore.IsAdmission(err) {
		return i.ImportInto(ctx, target, app) // a webhook that this restore has brought, and that does not run yet
	}
	if err != nil {
		return restore.Imported{}, err
	}
	if done != nil {
		return earlier(done), nil
	}
	i.OperationID = id
	imported, err := i.ImportInto(ctx, target, app)
	if err != nil {
		return imported, err
	}
	if err = i.log.Imported(ctx, app.AppKey, imported.App, imported.Version); restore.IsAdmission(err) {
		err = nil // it is in place; a run after this one imports it under the same id
	}
	return imported, err
}

// earlier is an import that an earlier run has done.
func earlier(done *session.AppRecord) restore.Imported {
	return restore.Imported{App: done.App, Version: done.Version, Applied: true, Before: done.Imported}
}
