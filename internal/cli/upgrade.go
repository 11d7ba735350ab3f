package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/upgrade"
	"github.com/appbur/appbur/pkg/compat"
)

func newUpgrade(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "upgrade",
		Short: "Plan an upgrade by rebuild: what is in the way, and the commands in order",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newUpgradePlan(e))
	return command
}

type upgradeOptions struct {
	repositoryOptions
	appOptions
	clusterOptions
	point     string
	to        string
	rulesFile string
	checklist string
	json      bool
}

// upgradeAnswer is what `upgrade plan --json` prints (docs/json.md).
type upgradeAnswer struct {
	Point     appbur.RestorePointID      `json:"restorePoint"`
	Cluster   string                     `json:"cluster"`
	From      appbur.KubeVersion         `json:"fromVersion"`
	To        appbur.KubeVersion         `json:"toVersion"`
	Counts    map[compat.VerdictKind]int `json:"counts"`
	Obstacles []upgrade.Obstacle         `json:"obstacles"`
	Unknown   []upgrade.Obstacle         `json:"unknown"`
	Objects   []upgrade.Object           `json:"objects"`
	Apps      []upgrade.App              `json:"apps"`
	Acting    []upgrade.Acting           `json:"acting"`
	Clients   []string                   `json:"clients"`
	Steps     []upgrade.Step             `json:"steps"`
}

func newUpgradePlan(e *env) *cobra.Command {
	o := &upgradeOptions{}
	command := &cobra.Command{
		Use:   "plan [POINT] --to VERSION",
		Short: "Say what an upgrade by rebuild meets, and which commands lead through it",
		Long: `Plan the way from the cluster of a restore point (the newest complete one, if none is named) to
a new cluster with another Kubernetes and newer applications: what is converted, lost or
blocked; which applications cannot read what was saved; what has to be paused in the old cluster
before the new one acts; who still uses APIs that are gone. Then the steps in order, each
with its commands, what they prove, and what to do after an interruption. Nothing is changed.

With --app NAMESPACE/NAME=ADDRESS the new version of an application is asked what it reads; it
need not hold any state. With --checklist FILE the plan is written as Markdown with a box for each
step, to be committed. Make it again with the same file as often as you like: what is ticked, and
what stands below "Notes", stays.` +
			exitStatus("0  nothing that was looked at is in the way", "10 no repository, or no such point",
				"12 a key or a login was refused", "20 something is in the way"),
		Example: `  appbur upgrade plan --to 1.37 --repo ./mgmt.git
  appbur upgrade plan --to 1.37 --repo ./mgmt.git --app fleet-system/fleet=new-fleet.example:7443 --checklist upgrade.md
  appbur upgrade plan --to 1.37 --repo ./mgmt.git --json | jq -r '.steps[].commands[]'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.point = repository.Latest; len(args) == 1 {
				o.point = args[0]
			}
			return upgradePlanRun(cmd.Context(), e, o)
		},
	}

	o.repositoryOptions.addFlags(e, command)
	o.addTrustFlag(command)
	o.addHistoryFlags(e, command)
	o.appOptions.addFlags(command, "in its new version, to ask it what it reads")
	o.clusterOptions.addFlags(command)
	command.Flags().StringVar(&o.to, "to", "", "Kubernetes `VERSION` of the new cluster, such as 1.37 (required)")
	command.Flags().StringVar(&o.rulesFile, "pause-rules", "", "YAML `FILE` with more rules of what is paused, and how (docs/restore.md)")
	command.Flags().StringVar(&o.checklist, "checklist", "", "write the plan as Markdown to a `FILE`, and keep what is ticked in it")
	jsonFlag(command, &o.json)
	return command
}

func upgradePlanRun(ctx context.Context, e *env, o *upgradeOptions) error {
	version, err := o.version()
	if err != nil {
		return err
	}
	done, err := readChecklist(o.checklist)
	if err != nil {
		return err
	}
	facts, err := o.facts(ctx, e, version)
	if err != nil {
		return err
	}
	plan := upgrade.New(facts)
	plan.Steps = stepsOf(plan, upgradeNames{repository: o.repo, older: "old.yaml", newer: "new.yaml", pauseRules: o.rulesFile})

	if o.checklist != "" {
		counts, forgotten := done.For(plan)
		if forgotten > 0 {
			e.warn("%s was about another upgrade (Kubernetes %s of cluster %s): no step is ticked now, of %s there",
				o.checklist, done.To, done.Cluster, count(forgotten, "ticked step"))
		}
		if err := durable.Replace(o.checklist, []byte(plan.Checklist(counts)), 0o644); err != nil {
			return appbur.WithHint(fmt.Errorf("writing the checklist: %w", err), "name a file in a directory that you can write to")
		}
	}
	if o.json {
		err = e.printJSON(answerOf(plan))
	} else {
		e.printUpgrade(plan, o.checklist)
	}
	if err == nil && len(plan.Obstacles) > 0 {
		return &outcome{ExitIncompatible, "something is in the way"}
	}
	return err
}

// version reads the Kubernetes of the new cluster.
func (o *upgradeOptions) version() (appbur.KubeVersion, error) {
	if o.to == "" {
		err := errors.New("no Kubernetes is named")
		return appbur.KubeVersion{}, &usageError{appbur.WithHint(err, "pass --to VERSION, for example --to 1.37")}
	}
	version, err := appbur.ParseKubeVersion(o.to)
	if err != nil {
		return version, &usageError{appbur.WithHint(fmt.Errorf("--to: %w", err), "name the release of the new cluster, as in --to 1.37")}
	}
	return version, nil
}

// readChecklist reads what was done already. A file of somebody else is not overwritten.
func readChecklist(file string) (upgrade.Done, error) {
	if file == "" {
		return upgrade.Done{}, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return upgrade.Done{}, nil
	}
	if err != nil {
		err = fmt.Errorf("--checklist: %w", err)
		return upgrade.Done{}, &usageError{appbur.WithHint(err, "name a file in a directory that you can write to")}
	}
	done, err := upgrade.Parse(string(data))
	if err != nil {
		err = fmt.Errorf("--checklist: %s exists, and %w", file, err)
		return done, &usageError{appbur.WithHint(err, "name another file, or move that one away")}
	}
	return done, nil
}

func answerOf(p upgrade.Plan) upgradeAnswer {
	f := p.Facts
	return upgradeAnswer{
		Point: f.Point.ID, Cluster: f.Point.Cluster.ID, From: f.Point.Cluster.Version, To: f.To, Counts: f.Counts,
		Obstacles: p.Obstacles, Unknown: p.Unknown, Objects: f.Objects, Apps: f.Apps, Acting: f.Acting, Clients: f.Clients, Steps: p.Steps,
	}
}

// shownObstacles is how many lines one part of the report has on a terminal.
const shownObstacles = 20

func (e *env) printUpgrade(p upgrade.Plan, file string) {
	out := e.paragraphs(4)
	f := p.Facts
	fmt.Fprintf(out, "From Kubernetes %s to %s, with restore point %s\n", f.Point.Cluster.Version, f.To.MinorString(), f.Point.ID)
	fmt.Fprintf(out, "%s\n", p.Counts())

	e.printObstacles("In the way", sgrRed, p.Obstacles)
	e.printObstacles("Not known yet", sgrYellow, p.Unknown)
	if len(p.Obstacles) == 0 {
		fmt.Fprintf(out, "\n%s\n", e.paint(sgrGreen, "Nothing that was looked at is in the way."))
	}
	for _, a := range f.Acting {
		fmt.Fprintf(out, "To pause in the old cluster: %d of %s (%s)\n", a.Objects, oneLine(a.Controller), oneLine(appbur.Shortlist(a.Some, shownNames)))
	}
	for _, client := range f.Clients {
		fmt.Fprintf(out, "%s %s\n", e.paint(sgrYellow, "still uses what is gone:"), oneLine(client))
	}

	for i, s := range p.Steps {
		fmt.Fprintf(out, "\n%s %s\n    %s\n", e.paint(sgrCyan, fmt.Sprintf("%d.", i+1)), s.Title, s.Do)
		for _, command := range s.Commands {
			fmt.Fprintf(e.Out, "    $ %s\n", oneLine(command)) // to be copied: it is not broken
		}
		fmt.Fprintf(out, "    proves: %s\n    interrupted: %s\n", s.Proves, s.Again)
	}
	if file != "" {
		fmt.Fprintf(out, "\nThe checklist is %s: tick what is done, and commit it.\n", file)
	}
}

func (e *env) printObstacles(title, colour string, obstacles []upgrade.Obstacle) {
	out := e.paragraphs(4)
	if len(obstacles) > 0 {
		fmt.Fprintf(out, "\n%s (%d)\n", e.paint(colour, title), len(obstacles))
	}
	for i, o := range obstacles {
		if i == shownObstacles {
			fmt.Fprintf(out, "    … and %d more; --json has all of them\n", len(obstacles)-i)
			return
		}
		fmt.Fprintf(out, "    %s\n", oneLine(o.What))
		if o.Hint != "" {
			fmt.Fprintf(out, "    %s %s\n", e.paint(sgrCyan, "hint:"), oneLine(o.Hint))
		}
	}
}
