package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/pkg/seal"
)

type logOptions struct {
	auditOptions
	since, until  string
	author        string
	apiVersion    string
	versionMoves  bool
	limit         int
	fields        bool
	showSignature bool
}

func newLog(e *env) *cobra.Command {
	o := &logOptions{}
	command := &cobra.Command{
		Use:   "log [KIND[/NAME]]",
		Short: "Show who changed what and when, newest first",
		Long: `Show who changed what and when, newest first: all of the history, one object, one
kind or one namespace. KIND is a kind or a resource, with or without its group, or
the short name of a built-in kind. The history of an object goes on when its API
version changes, and when its kind moves to another API group; objects that no
longer exist are found as well.

The commits are those of ` + "`git log main -- PATH`" + `. The author is who is proven to be
behind a change, or the client that wrote it last, which is said; appbur does not guess.
What was learned of a commit later is shown as such (docs/audit.md).` +
			exitStatus("0  shown", "10 no repository, or no such object in its history",
				"12 --show-signature: a signature is not good, or no signer is trusted",
				"64 wrong command line, or a name that fits more than one kind or namespace"),
		Example: `  appbur log deployment/web -n team-a --fields --repo ./mgmt.git
  appbur log -n team-a --since 7d --repo ./mgmt.git
  appbur log ingresses --version-changes --repo ./mgmt.git --json
  appbur log --since 2026-11-01 --show-signature --repo ./mgmt.git`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.object = args[0]
			}
			return logRun(cmd.Context(), e, o)
		},
	}
	o.addFlags(e, command)
	headersFlag(e, command)
	o.addSignatureFlags(e, command, &o.showSignature)
	f := command.Flags()
	f.StringVar(&o.since, "since", "", "`TIME` to begin at: 2026-11-20, RFC 3339, or how long ago: 36h, 2d, 1w")
	f.StringVar(&o.until, "until", "", "`TIME` to end at, in the same forms")
	f.StringVar(&o.author, "author", "", "`WHO`: part of the name or address of the author, or of who took part")
	f.StringVar(&o.apiVersion, "api-version", "", "only changes of objects written as `GROUP/VERSION`, before or after")
	f.BoolVar(&o.versionMoves, "version-changes", false, "only changes of the API version that an object is written as")
	f.IntVar(&o.limit, "limit", 0, "show at most `N` commits (default: all)")
	f.BoolVar(&o.fields, "fields", false, "show which fields changed, from what to what")
	return command
}

func logRun(ctx context.Context, e *env, o *logOptions) error {
	query, err := o.query(e)
	if err != nil {
		return auditError(err)
	}
	repo, h, selection, err := o.open(ctx)
	if err != nil {
		return err
	}
	query.Selection = selection
	var trusted seal.AllowedSigners
	if o.showSignature {
		if trusted, err = o.trusted(e, repo); err != nil {
			return err
		}
	}
	var fields *history.FieldReader
	if o.fields {
		fields = h.FieldReader()
		defer fields.Close()
	}
	bar := e.bar("reading the history", "commits")
	defer bar.finish()
	commits := []commitJSON{}
	for entry, err := range h.Log(ctx, query) {
		if err != nil {
			return err
		}
		described, err := describe(h, entry, fields, trusted)
		if err != nil {
			return err
		}
		commits = append(commits, described)
		bar.add(1)
	}
	bar.finish()

	if o.json {
		if err := e.printJSON(commits); err != nil {
			return err
		}
		return signed(commits)
	}
	if len(commits) == 0 {
		e.say("No commit fits.")
		return nil
	}
	e.printLog(commits, o, selection.One())
	return signed(commits)
}

func (o *logOptions) query(e *env) (history.Query, error) {
	q := history.Query{
		Person: o.author, APIVersion: o.apiVersion, VersionChanges: o.versionMoves, Limit: o.limit,
		Versions: o.json || o.fields,
	}
	if o.limit < 0 {
		return q, &usageError{errors.New("--limit: a number of commits is not negative")}
	}

	for _, bound := range []struct {
		flag, text string
		at         *time.Time
	}{{"--since", o.since, &q.Since}, {"--until", o.until, &q.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := history.ParseMoment(bound.text, e.now())
		if err != nil {
			return q, fmt.Errorf("%s: %w", bound.flag, err)
		}
		*bound.at = at
	}

	if !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since) {
		return q, &usageError{appbur.WithHint(errors.New("--until is before --since"), "nothing can lie between")}
	}
	return q, nil
}

// printLog writes a line for each commit, and below it what --fields and
// --version-changes ask for.
func (e *env) printLog(commits []commitJSON, o *logOptions, one bool) {
	columns := logColumns
	if o.showSignature {
		last := len(logColumns) - 1
		columns = slices.Insert(slices.Clone(logColumns), last, signatureColumn)
	}
	details := o.fields || o.versionMoves || o.apiVersion != ""
	t := e.newTable(columns...)

	for _, c := range commits {
		who := actorText(c.Author, c.Provenance, c.Notes)
		row := []cell{coloured(sgrYellow, c.Commit.Short()), plain(e.when(c.Time)), plain(oneLine(who)), plain(c.what(one))}
		if c.Signature != nil {
			row = append(row, signatureCell(*c.Signature))
		}
		t.add(append(row, coloured(sgrGreen, pointsOf(c)))...)
	}

	t.printWith(e.Out, func(row int) {
		if details {
			for _, change := range commits[row].Changes {
				e.printChange(change)
			}
		}
	})
}

// shownPoints is how many restore points of a commit are named: a cluster that does not
// change has all of its points on one commit.
const shownPoints = 3
