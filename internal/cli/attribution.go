package cli

import (
	"context"
	"time"

	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// lateGather is how long late facts are gathered before they are noted.
const lateGather = 2 * time.Second

// attribute has commits made in the name of those whom audit events prove. What it returns notes what is learned later, until its
// context ends.
func (d *daemonRun) attribute(writer *repository.Writer, options *daemon.Options) func(
	ctx context.Context, repo *repository.Repository, keys *keyring.Keys, cluster string, pushed func(),
) {
	if d.ledger == nil {
		return func(context.Context, *repository.Repository, *keyring.Keys, string, func()) {}
	}
	late := daemon.NewLateFacts()
	d.late = late
	d.ledger.OnLate(late.Tell)
	writer.Attribute(d.ledger)
	options.Undecided, options.Grace = writer.Undecided, d.settings.Value.Audit.Wait

	committed := options.Committed
	options.Committed = func(outcome repository.Outcome) {
		late.Committed(outcome)
		committed(outcome)
	}

	return func(ctx context.Context, repo *repository.Repository, keys *keyring.Keys, cluster string, pushed func()) {
		d.recall(repo, keys, late)
		late.Run(ctx, lateGather, func(ctx context.Context, facts []repository.LateFact) error {
			err := repo.Annotate(ctx, keys, cluster, facts, d.env.now())
			if err == nil {
				d.log.Info("noted who made changes that are committed already", "changes", len(facts))
				pushed()
			}
			return err
		}, d.log)
	}
}

// recall has facts of changes noted that another process has committed.
func (d *daemonRun) recall(repo *repository.Repository, keys *keyring.Keys, late *daemon.LateFacts) {
	unproven, err := repo.Unproven(keys)
	if err != nil {
		d.log.Warn("who made changes before this start is not noted any more", "reason", err.Error())
		return
	}
	late.Recall(unproven)
	changes := make([]audit.Change, len(unproven))
	for i, c := range unproven {
		changes[i] = c.Change
	}
	d.ledger.Recall(changes...)
}

// forgetFacts is called when the store of the cluster may be another one: its versions may be given out again.
func (d *daemonRun) forgetFacts() {
	if d.ledger != nil && d.late != nil {
		d.ledger.Reset()
		d.late.Reset()
	}
}
