package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/metrics"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

func noPushFlag(command *cobra.Command, value *bool) {
	command.Flags().BoolVar(value, "no-push", false, "leave the remotes alone; the next push catches up")
}

// replicate pushes to all remotes. Without remotes there is nothing to say.
func (e *env) replicate(
	ctx context.Context, repo *repository.Repository, keysDir string, progress func(gitsync.Transfer),
) (*repository.Replication, error) {
	remotes, err := repo.Remotes()
	if err != nil || len(remotes) == 0 {
		return nil, err
	}
	options := e.remoteOptions()
	options.Progress = progress
	done, err := e.push(ctx, repo, keysDir, nil, options)
	return &done, err
}

// push brings remotes up to date. The results have the hints of the command line.
func (e *env) push(ctx context.Context, repo *repository.Repository, keysDir string, names []string, options gitsync.RemoteOptions) (
	repository.Replication, error,
) {
	done, err := repo.Push(ctx, keysDir, names, options, e.now)
	for i := range done.Remotes {
		done.Remotes[i].Hint = hintOf(done.Remotes[i].Err())
	}
	return done, err
}

// replication pushes to all remotes of a repository, and joins the notes of those where others have written some.
func (e *env) replication(repo *repository.Repository, keys *keyring.Keys) metrics.Push {
	return func(ctx context.Context) (*repository.Replication, error) {
		done, err := e.replicate(ctx, repo, keys.Dir, nil)
		if err == nil && done != nil {
			err = repo.JoinNotes(ctx, keys, done, e.remoteOptions(), e.now)
		}
		return done, err
	}
}

// pusher pushes beside a daemon, and logs what becomes of it.
func (e *env) pusher(push metrics.Push, wanted func() bool, log *slog.Logger) *daemon.Pusher {
	return daemon.NewPusher(func(ctx context.Context) (bool, error) {
		if !wanted() {
			return true, nil
		}
		done, err := push(ctx)
		if err != nil || done == nil {
			return err == nil, err
		}
		all := true
		for _, r := range done.Remotes {
			if r.NotesError != "" {
				log.Warn("a remote does not take the notes about who made changes; the history is there", "remote", r.Remote,
					"reason", oneLine(r.NotesError))
			}
			if r.DrillsError != "" {
				log.Warn("a remote does not take the reports about drills; the history is there", "remote", r.Remote,
					"reason", oneLine(r.DrillsError))
			}
			switch {
			case r.Err() != nil:
				all = false
				log.Warn("a remote is not up to date", "remote", r.Remote, "state", string(r.State), "reason", oneLine(r.Error), "hint", r.Hint)
			case r.Objects > 0 || r.Removed > 0:
				log.Info("pushed", "remote", r.Remote, "commits", r.Commits, "points", r.Points, "bytes", r.Bytes)
			}
		}
		return all, nil
	}, log)
}

// printReplication says what became of each remote.
func (e *env) printReplication(done repository.Replication) {
	for _, r := range done.Remotes {
		text := coloured(sgrGreen, string(r.State))
		if r.Err() != nil {
			text.sgr = sgrRed
		}
		line := fmt.Sprintf("remote         %s: %s", r.Remote, e.paint(text.sgr, text.text))
		if r.Objects > 0 {
			line += fmt.Sprintf(", sent %s and %s (%s)", count(r.Commits, "commit"), count(r.Points, "restore point"), sizeText(r.Bytes))
		}
		fmt.Fprintln(e.paragraphs(fieldIndent), line)
	}
	for _, r := range done.Remotes {
		e.explainRemote(r.Remote, r.Error, r.Hint)
	}
	if !done.Replicated() {
		e.warn("%d of %d required remotes hold everything; what is committed here stays, and the next push catches up", done.Holding,
			done.Required)
	}
}

// explainRemote says why a remote is not up to date.
func (e *env) explainRemote(name, why, hint string) {
	if why == "" {
		return
	}
	e.warn("remote %s: %s", name, why)
	if hint != "" {
		fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrCyan, "hint:"), oneLine(hint))
	}
}
