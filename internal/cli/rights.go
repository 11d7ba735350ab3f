package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
)

// shownGrants is how many rights of one object a line names.
const shownGrants = 5

// rights asks the target what its account may not do of what the plan needs.
func (e *env) rights(ctx context.Context, made planned) (restore.Rights, error) {
	bar := e.bar("asking for the rights of the account", progress.Uncounted)
	defer bar.finish()
	rights, err := restore.ReviewRights(ctx, made.plan, made.cluster, made.besides...)
	if err != nil {
		return restore.Rights{}, clusterHint(err)
	}
	return rights, nil
}

// requireRights asks for the rights that the plan needs, says which are missing, and returns them
// as an error.
func (e *env) requireRights(ctx context.Context, made planned, asJSON bool) error {
	rights, err := e.rights(ctx, made)
	if err != nil {
		return err
	}
	if !asJSON {
		e.printRights(e.Out, rights)
	}
	return rights.Err()
}

// printRights says what of the plan the target would refuse for want of rights; nothing where
// all is allowed.
func (e *env) printRights(w io.Writer, rights restore.Rights) {
	if rights.Unknown != "" {
		fmt.Fprintf(w, "\nrights of the account: %s\n", oneLine("not known: "+rights.Unknown))
	}
	if len(rights.Grants) > 0 {
		fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrYellow, "Would be refused, because they give rights that the account does not have"),
			len(rights.Grants))
		for _, grant := range rights.Grants {
			fmt.Fprintf(w, "  %s: %s\n", grant.Object, oneLine(fmt.Sprintf("have them, or the verb %s: %s", grant.Verb,
				appbur.Shortlist(grant.Lacking, shownGrants))))
		}
	}
	if len(rights.Missing) == 0 {
		return
	}

	who := rights.Account
	if who == "" {
		who = "the account"
	}
	fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrRed, "Missing rights of "+oneLine(who)), len(rights.Missing))
	for _, missing := range rights.Missing {
		fmt.Fprintf(w, "  %s (%s)\n", oneLine(missing.String()), count(missing.Objects, "object"))
	}
	fmt.Fprintf(w, "\nAn administrator can apply this:\n\n")
	for line := range strings.Lines(rights.Manifest) {
		fmt.Fprintln(w, oneLine(strings.TrimSuffix(line, "\n"))) // not indented, or --- would be no separator
	}
}
