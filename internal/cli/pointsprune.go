package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/retention"
)

type pointsPruneOptions struct {
	repositoryOptions
	policy retention.Policy
	// own says that the policy is the one of the command line.
	own    bool
	dryRun bool
	yes    bool
	json   bool
}

func newPointsPrune(e *env) *cobra.Command {
	o := &pointsPruneOptions{}
	command := &cobra.Command{
		Use:   "prune",
		Short: "Delete restore points that no retention rule keeps",
		Long: `Delete the restore points that no rule of the retention policy keeps. The policy is
` + "`retention:`" + ` in appbur.yaml, or the --keep flags, which then replace all of it.

A rule such as --keep-daily 7 keeps the newest point of each of the last seven
days that have one; a complete point goes before a partial one. Days begin in
UTC unless --zone says otherwise. A point stays if any rule keeps it. Always
kept are the newest complete point, and for each application that any point
holds the newest good point with its state.

Points that cannot be read (` + "`points list`" + ` says why), and points without a trusted signature
has signed, are left alone and count for no rule: whoever can push can make such
points, and must not push the good ones out with them. Delete them by name.

The plan is shown, with a reason for each point, before anything is deleted.` +
			exitStatus("0  pruned, or nothing to prune", "10 no repository", "11 another process changed points at the same time",
				"12 no signer is trusted, so no point is known to be good", "64 no policy, or no terminal and no --yes",
				"130 not confirmed, nothing was deleted"),
		Example: `  appbur points prune --repo ./mgmt.git --dry-run
  appbur points prune --repo ./mgmt.git --keep-last 5 --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  appbur points prune --repo ./mgmt.git --yes --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, flag := range []string{"keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly"} {
				o.own = o.own || cmd.Flags().Changed(flag)
			}
			return pointsPruneRun(cmd.Context(), e, o)
		},
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	f := command.Flags()
	f.IntVar(&o.policy.Last, "keep-last", 0, "keep the newest `N` points")
	f.IntVar(&o.policy.Hourly, "keep-hourly", 0, "keep the newest point of each of `N` hours")
	f.IntVar(&o.policy.Daily, "keep-daily", 0, "keep the newest point of each of `N` days")
	f.IntVar(&o.policy.Weekly, "keep-weekly", 0, "keep the newest point of each of `N` weeks")
	f.IntVar(&o.policy.Monthly, "keep-monthly", 0, "keep the newest point of each of `N` months")
	f.IntVar(&o.policy.Yearly, "keep-yearly", 0, "keep the newest point of each of `N` years")
	f.StringVar(&o.policy.Zone, "zone", "", "time `ZONE` that days begin in, for example Europe/Berlin (default: the policy's, else UTC)")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be deleted and delete nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

// pruneReport is what `points prune --json` prints (docs/json.md).
type pruneReport struct {
	Points  []pruneVerdict          `json:"points"`
	Deleted []appbur.RestorePointID `json:"deleted"`
	// Unreadable points are left alone.
	Unreadable []unreadableSummary `json:"unreadable"`
	// Untrusted points are left alone as well, and count for no rule.
	Untrusted []untrustedSummary `json:"untrusted"`
	DryRun    bool               `json:"dryRun"`
}

type pruneVerdict struct {
	ID      appbur.RestorePointID `json:"id"`
	Created time.Time             `json:"created"`
	Partial bool                  `json:"partial"`
	Keep    bool                  `json:"keep"`
	Reasons []string              `json:"reasons"`
}

func pointsPruneRun(ctx context.Context, e *env, o *pointsPruneOptions) error {
	repo, trusted, err := o.prunable(e)
	if err != nil {
		return err
	}
	policy, err := o.retention(e, repo)
	if errors.Is(err, repository.ErrPolicy) || errors.Is(err, keyring.ErrNobodyTrusted) || errors.Is(err, repository.ErrUnbound) ||
		errors.Is(err, repository.ErrOtherRepository) {
		return err
	}

	if err != nil {
		return &usageError{err}
	}
	if len(trusted) == 0 {
		return repository.NobodyTrusted()
	}

	all, err := e.catalog(repo, trusted)
	if err != nil {
		return err
	}
	points := all.Points
	verdicts := policy.Decide(points)
	gone := removable(verdicts)

	if !o.json {
		e.printVerdicts(verdicts)
		e.warnRejected(all)
	}
	report := pruneReport{
		Points: pruneVerdicts(verdicts), Deleted: []appbur.RestorePointID{}, Unreadable: unreadable(all.Unreadable),
		Untrusted: untrusted(all.Untrusted), DryRun: o.dryRun,
	}

	if len(gone) > 0 && !o.dryRun {
		if !o.yes {
			if err := e.confirm(ctx, fmt.Sprintf("Delete %s of %d?", count(len(gone), "restore point"), len(points))); err != nil {
				return err
			}
		}
		bar := e.bar("deleting "+count(len(gone), "restore point"), progress.Uncounted)
		err := repo.DeletePoints(ctx, gone, trusted, false)
		bar.finish()
		if err != nil {
			return err
		}
		report.Deleted = gone
	}

	switch {
	case o.json:
		return e.printJSON(report)
	case len(gone) == 0:
		e.say("Nothing to delete.")
	case o.dryRun:
		e.say("Dry run: %s would be deleted, %d kept.", count(len(gone), "restore point"), len(points)-len(gone))
	default:
		e.say("Deleted %s, kept %d. Their payloads are freed by the next maintenance of the repository.", count(len(gone), "restore point"),
			len(points)-len(gone))
	}

	return nil
}

// retention is the policy that counts.
func (o *pointsPruneOptions) retention(e *env, repo *repository.Repository) (retention.Policy, error) {
	policy := o.policy
	if configured := repo.Config().Retention; !o.own {
		if configured == nil {
			return retention.Policy{}, appbur.WithHint(errors.New("there is no retention policy"),
				"write retention: into "+appbur.RepositoryFile+", or pass for example --keep-last 5 --keep-daily 7")
		}
		// What is deleted is not decided by who can push.
		if err := o.policyProblem(e, repo); err != nil {
			return retention.Policy{}, err
		}
		policy = *configured
		if o.policy.Zone != "" {
			policy.Zone = o.policy.Zone
		}
	}
	return policy.Check()
}

func (e *env) printVerdicts(verdicts []retention.Verdict) {
	t := e.newTable(pointsPruneColumns...)
	for _, v := range verdicts {
		verdict := coloured(sgrGreen, "keep")
		if !v.Keep {
			verdict = coloured(sgrRed, "delete")
		}
		why := appbur.ShortlistOf(v.Reasons, len(v.Reasons), shownNames, "; ")
		t.add(coloured(sgrCyan, string(v.Point.ID)), plain(e.when(v.Point.Created)), stateOf(v.Point), verdict, plain(why))
	}
	t.print(e.Out)
}

func pruneVerdicts(verdicts []retention.Verdict) []pruneVerdict {
	list := make([]pruneVerdict, len(verdicts))
	for i, v := range verdicts {
		list[i] = pruneVerdict{v.Point.ID, v.Point.Created, v.Point.Partial, v.Keep, v.Reasons}
	}
	return list
}

// removable are the ids of the points that a policy lets go.
func removable(verdicts []retention.Verdict) []appbur.RestorePointID {
	ids := []appbur.RestorePointID{}
	for _, v := range verdicts {
		if !v.Keep {
			ids = append(ids, v.Point.ID)
		}
	}
	return ids
}
