package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/history"
)

type diffOptions struct {
	auditOptions
	from, to   string
	patch, raw bool
}

// difference is what `diff --json` prints (docs/json.md).
type difference struct {
	From    history.Revision `json:"from"`
	To      history.Revision `json:"to"`
	Changes []changeJSON     `json:"changes"`
}

func newDiff(e *env) *cobra.Command {
	o := &diffOptions{}
	command := &cobra.Command{
		Use:   "diff FROM TO [KIND[/NAME]]",
		Short: "Show what differs between two commits, restore points or moments",
		Long: `Show what differs between two states of the cluster, by fields: old value -> new
value. FROM and TO are main, commits (the first 7 digits suffice), restore points,
latest, or times, which mean the last commit until then; ~N behind one is the N-th
commit before. -p shows lines instead, as ` + "`git diff`" + ` does; ` + "`git apply`" + ` takes them.

Values of Secrets are never decrypted: an encrypted value that has another length has
changed; of one with the same length it is only known that it was encrypted again,
which happens to all values of an object when any part of it changes. Their
ciphertext is shown by -p --raw only.` +
			exitStatus("0  no difference", "4  they differ", "10 no repository, no such revision, or no such object in its history",
				"64 wrong command line, or a name that fits more than one kind or namespace"),
		Example: `  appbur diff 2026-11-19 2026-11-20 --repo ./mgmt.git
  appbur diff 20261120T000000Z latest deployment/web -n team-a --repo ./mgmt.git
  appbur diff 7d now -n team-a -p --repo ./mgmt.git
  appbur diff main~1 main --repo ./mgmt.git --json`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.from, o.to = args[0], args[1]
			if len(args) == 3 {
				o.object = args[2]
			}
			return diffRun(cmd.Context(), e, o)
		},
	}
	o.addFlags(e, command)
	command.Flags().BoolVarP(&o.patch, "patch", "p", false, "show the lines that differ, as git does")
	command.Flags().BoolVar(&o.raw, "raw", false, "with -p, show ciphertext as well, so that the patch can be applied")
	return command
}

func diffRun(ctx context.Context, e *env, o *diffOptions) error {
	_, h, selection, err := o.open(ctx)
	if err != nil {
		return err
	}
	from, err := h.Revision(o.from, e.now())
	if err != nil {
		return auditError(err)
	}

	to, err := h.Revision(o.to, e.now())
	if err != nil {
		return auditError(err)
	}
	changes, err := h.Compare(from.Commit, to.Commit, selection)
	if err != nil {
		return err
	}
	fields := h.FieldReader()
	defer fields.Close()
	d := difference{From: from, To: to}
	if d.Changes, err = describeChanges(changes, fields); err != nil {
		return err
	}

	switch {
	case o.json:
		err = e.printJSON(d)
	case o.patch:
		err = e.printPatches(h.Patch(changes, o.raw))
	default:
		for _, change := range d.Changes {
			e.printChange(change)
		}
	}

	if err != nil {
		return err
	}
	if len(d.Changes) > 0 {
		return errDifferent
	}
	if !o.json {
		e.say("No difference.")
	}
	return nil
}

// printPlain writes text from a cluster on a terminal.
func (e *env) printPlain(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(e.Out, safeLine(strings.TrimSuffix(line, "\n")))
	}
}
