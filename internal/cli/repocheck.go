package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

type repoCheckOptions struct {
	repositoryOptions
	quick bool
	json  bool
}

func newRepoCheck(e *env) *cobra.Command {
	o := &repoCheckOptions{}
	command := &cobra.Command{
		Use:   "check",
		Short: "Check every byte, signature and digest of a repository",
		Long: `Check a repository: every object has the bytes that its name says, packs and
indexes agree, trees and commits are well-formed, every object that refs reach
exists, the commits seen before and anchored are ancestors of main, commits and
restore points have trusted signatures, manifests parse and are at their
path, and payloads have their digest. Nothing is changed, and other commands may
run at the same time.

Each finding has one class: damaged (bytes, format or history are wrong),
untrusted (signed, but by no trusted signer) or unsigned. The exit code is that
of the most severe.

Encrypted content is decrypted only if --identity is given; else its format is checked.` +
			exitStatus("0  nothing is wrong", "1  the check could not be done", "3  some of it is unsigned, nothing else is wrong",
				"5  damaged, or the history was rewritten",
				"10 no repository", "12 something has no trusted signature, or a key is missing or wrong"),
		Example: `  appbur repo check --repo ./mgmt.git
  appbur repo check --repo ./mgmt.git --identity identity.txt --anchor /mnt/worm/mgmt.anchor
  appbur repo check --repo ./mgmt.git --quick
  appbur repo check --repo ./mgmt.git --json | jq -r '.findings[] | .what'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return repoCheckRun(cmd.Context(), e, o) },
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	o.addAnchorFlag(e, command, "that the history must lead back to")
	command.Flags().StringVar(&o.identity, "identity", "", "`FILE` with the age identity, to check what is encrypted as well")
	command.Flags().BoolVar(&o.quick, "quick", false, "check only that everything refs lead to is there")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func repoCheckRun(ctx context.Context, e *env, o *repoCheckOptions) error {
	check, err := o.options(e)
	if err != nil {
		return err
	}
	bars := e.bars()
	check.Progress = func(what string, done, total int) {
		bars.of("checking "+what, progress.Unit(what), func(b *bar) { b.set(int64(done), int64(total)) })
	}
	report, err := repository.Check(ctx, o.repo, check)
	bars.finish()

	if err != nil {
		return err
	}
	report.Notes = append(checkNotes(check), report.Notes...)

	if o.json {
		err = e.printJSON(report)
	} else {
		e.printCheck(report)
	}
	if err == nil {
		err = checkOutcome(report.Worst())
	}
	return err
}

// checkNotes say what a check did not look at, and how to make it.
func checkNotes(check repository.CheckOptions) []string {
	switch {
	case check.Quick:
		return []string{"only what refs lead to was looked for; without --quick every byte, signature and digest is checked"}
	case check.Signers == nil:
		return []string{"signatures were not checked: nobody is trusted yet (pass --trust FILE)"}
	}
	return nil
}

// checkOutcome is the answer of a check to a script: the gravest of what was found.
func checkOutcome(worst repository.FindingClass) error {
	switch worst {
	case "":
		return nil
	case repository.Unsigned:
		return errPartly
	case repository.Untrusted:
		return errDistrusted
	default:
		return errDamaged
	}
}

// options gathers what the repository is compared with. It must not fail because the
// repository is damaged.
func (o *repoCheckOptions) options(e *env) (repository.CheckOptions, error) {
	check := repository.CheckOptions{Quick: o.quick, Hint: hintOf}
	if o.repo == "" {
		_, err := o.open() // says what is missing
		return check, err
	}
	if err := refuseURL(o.repo); err != nil {
		return check, err
	}

	repo, err := o.open()
	switch {
	case errors.Is(err, gitsync.ErrNoRepository):
		return check, err
	case err != nil:
		check.KeysDir = o.keys // what is damaged is compared with named keys only
	default:
		if check.KeysDir, err = o.keysDir(e, repo); err != nil && !errors.Is(err, repository.ErrUnbound) {
			return check, err
		}
	}

	if check.Signers, err = o.trustRoot(e, check.KeysDir); err != nil && !errors.Is(err, keyring.ErrNobodyTrusted) {
		return check, err
	}
	if o.identity != "" {
		if check.Opener, err = o.opener(e, check.KeysDir); err != nil {
			return check, err
		}
	}
	check.Anchor, err = o.readAnchor()
	return check, err
}

func (e *env) printCheck(r repository.CheckReport) {
	t := e.newTable(checkColumns...)
	for _, f := range r.Findings {
		where := strings.TrimSpace(f.Where + " " + f.Object.Short())
		t.add(coloured(classColours[f.Class], string(f.Class)), plain(f.Kind), plain(where), plain(oneLine(f.What)), plain(affectsText(f)),
			plain(f.Hint))
	}

	t.print(e.Out)
	for _, note := range r.Notes {
		e.say("note: %s", oneLine(note))
	}
	verdict := e.paint(sgrGreen, "sound")
	if !r.OK() {
		verdict = e.paint(classColours[r.Worst()], findingsText(r.Counts))
	}
	text := fmt.Sprintf("%s: %s: %d objects in %d packs, %d refs", r.Repository, verdict, r.Objects, r.Packs, r.Refs)
	if !r.Quick {
		text += fmt.Sprintf(", %d commits (%d signed), %d restore points, %d datasets", r.Commits, r.Signed, r.Points, r.Datasets)
	}
	fmt.Fprintln(e.paragraphs(4), text)
}

var classColours = map[repository.FindingClass]string{
	repository.Damaged: sgrRed, repository.Untrusted: sgrRed,
	repository.Unsigned: sgrYellow,
}

// findingsText counts findings, the gravest first.
func findingsText(n repository.FindingCounts) string {
	var parts []string
	for _, part := range []struct {
		n     int
		class repository.FindingClass
	}{{n.Damaged, repository.Damaged}, {n.Untrusted, repository.Untrusted}, {n.Unsigned, repository.Unsigned}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.class))
		}
	}
	return strings.Join(parts, ", ")
}

// affectsText lists what a finding affects, shortened.
func affectsText(f repository.Finding) string {
	const shown = 3
	var parts []string
	for _, h := range f.Affects[:min(shown, len(f.Affects))] {
		part := string(h.Point)
		if h.Point == "" {
			part = strings.TrimPrefix(h.Ref, "refs/heads/") + " " + h.Commit.Short()
		}
		if h.Path != "" {
			part += ":" + h.Path
		}
		parts = append(parts, strings.TrimSpace(part))
	}
	return appbur.ShortlistOf(parts, len(f.Affects)+f.AffectsMore, shown, ", ")
}

func newRepoAnchor(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		out    string
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "anchor",
		Short: "Write a signed record of where the history is to another place",
		Long: `Write an anchor: a small signed text with the tip of main, the time and the newest
restore points. Kept where whoever can change the repository cannot change it, such
as a bucket that nothing is deleted from or another machine, it shows later whether
the history was rewritten (docs/trust.md).

A file is replaced in one step; into a directory each anchor is written as a new
file. An anchor that the history does not hold any more is never replaced.` +
			exitStatus("0  written", "1  failed", "5  the history does not hold the anchor that is there", "10 no repository",
				"12 a key is missing or wrong"),
		Example: `  appbur repo anchor --repo ./mgmt.git --out /mnt/worm/
  appbur backup --repo ./mgmt.git --anchor /mnt/other/mgmt.anchor
  appbur repo check --repo ./mgmt.git --anchor /mnt/other/mgmt.anchor`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return repoAnchorRun(e, &o, out, asJSON) },
	}
	o.addFlags(e, command)
	command.Flags().StringVar(&out, "out", "", "`FILE` or directory to write the anchor to")
	jsonFlag(command, &asJSON)
	return command
}

func repoAnchorRun(e *env, o *repositoryOptions, out string, asJSON bool) error {
	if out == "" {
		return &usageError{appbur.WithHint(errors.New("no place for the anchor is named"), "pass --out FILE")}
	}
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	if _, err := repo.History(keys.Dir); err != nil {
		return err // a rewritten history is not made official
	}
	anchor, file, err := repo.WriteAnchor(out, keys, e.now())
	if err != nil {
		return err
	}

	if asJSON {
		return e.printJSON(struct {
			File   string `json:"file"`
			Main   string `json:"main"`
			Time   string `json:"time"`
			Points int    `json:"restorePoints"`
		}{file, anchor.Main.String(), anchor.Time.Format("2006-01-02T15:04:05Z"), len(anchor.Points)})
	}

	fmt.Fprintf(e.Out, "anchor  %s\nmain    %s\npoints  %d\n", file, anchor.Main, len(anchor.Points))
	return nil
}
