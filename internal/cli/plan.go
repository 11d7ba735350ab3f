package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/pkg/restore"
)

func newPlan(e *env) *cobra.Command {
	var (
		o        planOptions
		exitCode bool
		full     bool
		file     string
		diff     bool
		asJSON   bool
		apps     []string
	)

	command := &cobra.Command{
		Use:   "plan POINT [KIND/NAME...]",
		Short: "Show what restoring a point to a cluster would do, and why",
		Long: `Show which cluster the target is, and what restoring a restore point to it would
do, and why: every object with its action, what is converted, what is lost, what
is blocked, and how many objects of the target would be created, changed, or stay
as they are. If it is the cluster that the point was taken of, the plan says what
changed there since, which a restore would undo. It says which rights the account
lacks for it, as roles that can be applied, and which admission webhooks of the target
may change or refuse what is written. With --prune it lists what would be deleted. Nothing is changed. ` + "`appbur restore`" + ` with the same options does exactly this.` +
			exitStatus("0  planned", "4  with --exit-code: a restore would change something",
				"10 no repository, no such point, or nothing that is meant",
				"5  the history was rewritten (docs/trust.md)", "12 a key, a login or a signature was refused, or the account lacks rights",
				"20 blocked objects and no --allow-blocked"),
		Example: `  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml
  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml --full | less
  appbur plan latest -n team-a --exclude-kind secret --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur plan latest -n team-a --diff --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml --out restore.plan
  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.point, o.words.Objects = args[0], args[1:]
			targets, err := (&appOptions{targets: o.takeApps(apps)}).parse()
			if err != nil {
				return err
			}
			made, err := o.make(cmd.Context(), e)
			if err != nil {
				return err
			}
			made.besides = slices.Concat(made.besides, o.finding.commandRights(made.plan.Apps, targets, o.rewrites))
			made.beforeSilence()
			if err := made.orderApps(); err != nil {
				return err
			}
			target, err := o.identify(cmd.Context(), e, made)
			if err != nil {
				return err
			}
			admission, err := e.admission(cmd.Context(), &made, o.silence)
			if err != nil {
				return err
			}
			rights, err := e.rights(cmd.Context(), made)
			if err != nil {
				return err
			}
			if file != "" {
				if err := o.save(file, cmd.Flags(), made, target); err != nil {
					return err
				}
			}
			findings, err := target.compare(cmd.Context(), e, made)
			if err != nil {
				return err
			}
			will := foretell(findings)
			found, err := o.findNow(cmd.Context(), e, made, targets)
			if err != nil {
				return err
			}
			var differences []restore.Finding
			if diff {
				if differences, err = will.unchangeable(cmd.Context(), e, made); err != nil {
					return err
				}
			}

			if asJSON {
				err = e.printJSON(struct {
					*restore.Plan
					Target      targetCluster     `json:"target"`
					Foretold    foretold          `json:"foretold"`
					Rights      restore.Rights    `json:"rights"`
					Admission   restore.Admission `json:"admission"`
					Differences []restore.Finding `json:"differences,omitempty"`
					FoundApps   []foundApp        `json:"foundApps,omitempty"`
				}{made.plan, target, will, rights, admission, differences, found})
			} else {
				e.printTarget(e.paragraphs(fieldIndent), target)
				fmt.Fprintln(e.Out)
				err = e.printPlan(made.plan, findings, full)
				e.printFound(found)
				e.printForetold(will)
				if diff {
					e.printDifferences(differences)
				}
				e.printAdmission(e.paragraphs(4), admission)
				e.printRights(e.Out, rights)
			}
			switch {
			case err != nil:
				return err
			case len(made.plan.Blocked()) > 0 && !o.policy.AllowBlocked:
				return &outcome{ExitIncompatible, "some objects are blocked"}
			case rights.Err() != nil:
				return rights.Err()
			case exitCode && (!will.isNothing() || len(made.plan.Apps)+len(made.plan.Prunes()) > 0):
				return errDifferent
			}
			return nil
		},
	}

	o.addFlags(e, command)
	o.finding.addFlags(command)
	o.appOrder.addFlags(command)
	o.addLockFlag(command)
	o.pruning.addFlags(command)
	o.phases.addFlags(command)
	o.silence.addFlags(command)
	command.Flags().StringArrayVar(&apps, "app", nil,
		"state of this `APPLICATION` only: NAMESPACE/NAME or NAME, patterns; what restore takes, with =ADDRESS, selects nothing; repeatable")
	command.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 4 when a restore would create, change or delete something, or import state")
	command.Flags().StringVar(&file, "out", "", "save the plan to a `FILE` for restore --plan; no values of objects are in it")
	command.Flags().BoolVar(&diff, "diff", false, "show the fields of the target that a restore would change")
	command.Flags().BoolVar(&full, "full", false, "show every step instead of a summary, in waves, with what it needs and what it comes after")
	jsonFlag(command, &asJSON)
	return command
}

// printPlan writes a plan to Out, with what a comparison with its target found.
func (e *env) printPlan(plan *restore.Plan, findings *restore.Findings, full bool) error {
	if full {
		return plan.WriteGraph(e.Out)
	}
	return plan.Summarize(e.paragraphs(4), summaryOf(findings, "--full shows every step, --diff every field that differs"))
}

func summaryOf(findings *restore.Findings, more string) restore.Summary {
	summary := restore.Summary{More: more}
	if findings != nil {
		summary.Differences = findings.Findings
	}
	return summary
}

// printPlanFor writes the summary of a plan, which applications were found, and which cluster it is
// for, before anybody is asked to confirm it.
func (e *env) printPlanFor(target targetCluster, plan *restore.Plan, found ...foundApp) error {
	more := "`appbur plan` with the same options and --full shows every step"
	if plan.Undoes {
		more = "" // there is no such command for it
	}
	if err := plan.Summarize(e.paragraphs(4), summaryOf(target.compared, more)); err != nil {
		return err
	}
	e.printFound(found)
	fmt.Fprintln(e.Out)
	e.printTarget(e.paragraphs(fieldIndent), target)
	fmt.Fprintln(e.Out)
	return nil
}
