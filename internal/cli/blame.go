package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

type blameOptions struct {
	auditOptions
	at  string
	raw bool
}

// blamedLine is a line of `blame --json` (docs/json.md).
type blamedLine struct {
	Line        int          `json:"line"`
	Commit      gitsync.Hash `json:"commit"`
	Time        time.Time    `json:"time"`
	Author      personJSON   `json:"author"`
	ActorSource string       `json:"actorSource,omitempty"`
	// Notes are what was learned of the change after the commit was made.
	Notes []repository.Note `json:"notes,omitempty"`
	// OldPath is where the line was written, when that was under another API group.
	OldPath string `json:"oldPath,omitempty"`
	OldLine int    `json:"oldLine"`
	Text    string `json:"text"`
}

func newBlame(e *env) *cobra.Command {
	o := &blameOptions{}
	command := &cobra.Command{
		Use:   "blame KIND/NAME",
		Short: "Show which commit wrote each line of an object, and who is behind it",
		Long: `Show which commit wrote each line of an object, and who is behind it. The commits
are those of ` + "`git blame`" + `; in addition lines are followed when the kind moves to
another API group. The ciphertext of Secrets is not shown without --raw.` +
			exitStatus("0  shown", "10 no repository, or the object was not there at that time",
				"64 wrong command line, or a name that fits more than one kind or namespace"),
		Example: `  appbur blame deployment/web -n team-a --repo ./mgmt.git
  appbur blame clusters.cluster.x-k8s.io/prod -n fleet --at 2026-11-20 --repo ./mgmt.git --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.object = args[0]
			return blameRun(cmd.Context(), e, o)
		},
	}

	o.addFlags(e, command)
	headersFlag(e, command)
	command.Flags().StringVar(&o.at, "at", "main", "`REVISION` to look at: a commit, a restore point, latest or a time")
	command.Flags().BoolVar(&o.raw, "raw", false, "show ciphertext as well")
	return command
}

func blameRun(ctx context.Context, e *env, o *blameOptions) error {
	_, h, selection, err := o.open(ctx)
	if err != nil {
		return err
	}
	if !selection.One() {
		return &usageError{appbur.WithHint(errors.New("lines are of one object, not of a kind"), "name it: KIND/NAME")}
	}

	revision, err := h.Revision(o.at, e.now())
	if err != nil {
		return auditError(err)
	}
	file, origins, commits, err := h.Blame(ctx, revision.Commit, selection)
	if err != nil {
		return auditError(err)
	}

	notes, err := learnedOf(h, origins)
	if err != nil {
		return auditError(err)
	}
	lines := []blamedLine{}
	add := func(number int, text []byte) {
		origin := origins[number-1]
		c := commits[origin.Commit]
		line := blamedLine{
			Notes: notes[origin.Commit],

			Line: number, Commit: c.Hash, Time: c.Time.UTC(), Author: personJSON(c.Author), OldLine: origin.Number,
			ActorSource: repository.ProvenanceOf(c).ActorSource, Text: strings.TrimSuffix(string(text), "\n"),
		}
		if origin.Path != file.Path {
			line.OldPath = origin.Path
		}
		lines = append(lines, line)
	}

	if o.raw {
		for i, origin := range origins {
			add(i+1, origin.Text)
		}
	} else {
		texts, numbers, _ := history.Readable(file.Data)
		for i, text := range texts {
			add(numbers[i], text)
		}
	}

	if o.json {
		return e.printJSON(lines)
	}
	t := e.newTable(blameColumns...)

	var previous gitsync.Hash
	for _, line := range lines {
		colour := sgrYellow
		if line.Commit == previous {
			colour = sgrDim
		}
		previous = line.Commit
		t.add(coloured(colour, line.Commit.Short()), plain(e.when(line.Time)), plain(line.who(commits[line.Commit])), number(line.Line),
			plain(safeLine(line.Text)))
	}

	t.print(e.Out)
	return nil
}

// who is behind a line.
func (l blamedLine) who(c gitsync.Commit) string {
	return oneLine(actorText(l.Author, repository.ProvenanceOf(c), l.Notes))
}

// learnedOf reads what was learned later of the commits that lines are of, as far as it is about the object.
func learnedOf(h *history.History, origins []gitsync.BlameLine) (map[gitsync.Hash][]repository.Note, error) {
	about := map[gitsync.Hash][]repository.Note{}
	for _, origin := range origins {
		if _, read := about[origin.Commit]; read {
			continue
		}
		notes, err := h.Notes(origin.Commit)
		if err != nil {
			return nil, err
		}
		about[origin.Commit] = slices.DeleteFunc(notes, func(n repository.Note) bool { return n.Path != origin.Path })
	}
	return about, nil
}
