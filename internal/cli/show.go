package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/pkg/seal"
)

type showOptions struct {
	auditOptions
	revision      string
	patch, raw    bool
	showSignature bool
}

func newShow(e *env) *cobra.Command {
	o := &showOptions{}
	command := &cobra.Command{
		Use:   "show REVISION [KIND/NAME]",
		Short: "Show what a commit changed, or an object as it was",
		Long: `Show what a commit changed, or, with KIND/NAME, the object as it was at that time.
REVISION is main, a commit (its first 7 digits suffice), a restore point, latest, or a
time, which means the last commit until then; ~N behind it is the N-th commit before.

Values of Secrets are never decrypted, and their ciphertext is shown with --raw only.` +
			exitStatus("0  shown", "10 no repository, no such revision, or the object was not there",
				"12 --show-signature: the signature is not good, or no signer is trusted",
				"64 wrong command line, or a name that fits more than one kind or namespace"),
		Example: `  appbur show main --repo ./mgmt.git
  appbur show 4b825dc642cb -p --repo ./mgmt.git
  appbur show 2026-11-20 deployment/web -n team-a --repo ./mgmt.git
  appbur show latest secret/db -n team-a --repo ./mgmt.git`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.revision = args[0]
			if len(args) == 2 {
				o.object = args[1]
			}
			return showRun(cmd.Context(), e, o)
		},
	}
	o.addFlags(e, command)
	o.addSignatureFlags(e, command, &o.showSignature)
	command.Flags().BoolVarP(&o.patch, "patch", "p", false, "show the lines that changed, as git does")
	command.Flags().BoolVar(&o.raw, "raw", false, "show ciphertext as well, byte for byte what is stored")
	return command
}

func showRun(ctx context.Context, e *env, o *showOptions) error {
	repo, h, selection, err := o.open(ctx)
	if err != nil {
		return err
	}
	revision, err := h.Revision(o.revision, e.now())
	if err != nil {
		return auditError(err)
	}

	if o.object != "" {
		if !selection.One() {
			return &usageError{appbur.WithHint(errors.New("one object is shown, not a kind"),
				"name it: KIND/NAME; `appbur diff` shows what changed of a kind")}
		}
		return showObject(e, h, o, revision, selection)
	}

	if revision.Commit.IsZero() {
		return auditError(appbur.WithHint(fmt.Errorf("%s: %w: the history begins later", o.revision, history.ErrNotFound),
			"`appbur log` shows the commits"))
	}
	entry, err := h.Entry(ctx, revision.Commit)
	if err != nil {
		return auditError(err)
	}
	var trusted seal.AllowedSigners
	if o.showSignature {
		if trusted, err = o.trusted(e, repo); err != nil {
			return err
		}
	}

	if o.namespace != "" {
		entry.Changes = selection.Filter(entry.Changes)
	}
	fields := h.FieldReader()
	defer fields.Close()

	described, err := describe(h, entry, fields, trusted)
	if err != nil {
		return err
	}
	if o.json {
		if err := e.printJSON(described); err != nil {
			return err
		}
		return signed([]commitJSON{described})
	}
	e.printCommit(described)

	if o.patch {
		if err := e.printPatches(h.Patch(entry.Changes, o.raw)); err != nil {
			return err
		}
	} else {
		for _, change := range described.Changes {
			e.printChange(change)
		}
	}

	return signed([]commitJSON{described})
}

// printCommit writes what is known of a commit.
func (e *env) printCommit(c commitJSON) {
	out := e.paragraphs(fieldIndent)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%-14s %s\n", name, value)
		}
	}
	line("commit", e.paint(sgrYellow, c.Commit.String()))
	if len(c.Parents) > 1 {
		line("merge", fmt.Sprintf("of %d parents; the changes are against the first", len(c.Parents)))
	}
	line("time", c.Time.Format(time.RFC3339))
	line("author", oneLine(c.Author.Name+" <"+c.Author.Email+">"))
	line("actor source", oneLine(c.ActorSource))
	for _, person := range c.Actors {
		if !c.Resolved() || len(c.Actors) > 1 {
			line("took part", oneLine(person))
		}
	}
	for _, person := range c.ActedAs {
		line("acting as", oneLine(person))
	}
	for _, id := range c.AuditIDs {
		line("audit event", oneLine(id))
	}
	for _, n := range c.Notes {
		line("later known", oneLine(strings.Join(n.Actors, ", ")+" ("+n.Source+"): "+n.Path))
	}
	if c.NotesSignature != nil {
		s := signatureCell(*c.NotesSignature)
		line("of that", e.paint(s.sgr, "signature "+s.text))
	}

	line("cluster", oneLine(c.Cluster))
	line("Kubernetes", oneLine(c.Kubernetes))
	line("rules", oneLine(c.Rules))
	line("coverage", oneLine(c.Coverage))
	for _, override := range c.Overrides {
		line("override", e.paint(sgrYellow, oneLine(override)))
	}
	line("keys", oneLine(c.Rotation))
	line("restore point", e.paint(sgrGreen, pointsOf(c)))
	if c.Signature != nil {
		s := signatureCell(*c.Signature)
		line("signature", e.paint(s.sgr, s.text))
	}
	fmt.Fprintf(out, "\n    %s\n\n", oneLine(c.Subject))
}

// shownObject is what `show REVISION KIND/NAME --json` prints (docs/json.md).
type shownObject struct {
	Revision history.Revision `json:"revision"`
	Path     string           `json:"path"`
	Object   string           `json:"object"`
	Sealed   bool             `json:"sealed"`
	Text     string           `json:"text"`
}

func showObject(e *env, h *history.History, o *showOptions, revision history.Revision, selection history.Selection) error {
	file, err := h.File(revision.Commit, selection)
	if err != nil {
		return auditError(err)
	}
	lines, _, sealed := history.Readable(file.Data)
	text := ""
	for _, line := range lines {
		text += string(line)
	}

	if o.raw {
		text = string(file.Data)
	}
	if o.json {
		return e.printJSON(shownObject{Revision: revision, Path: file.Path, Object: selection.String(), Sealed: sealed, Text: text})
	}
	if !e.OutTerminal {
		fmt.Fprint(e.Out, text)
		return nil
	}
	e.printPlain(text)
	return nil
}
