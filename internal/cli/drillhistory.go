package cli

import (
	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/repository"
)

// drillHistory is what `drill history --json` prints (docs/json.md).
type drillHistory struct {
	Drills []drillLine `json:"drills"`
	// Trend compares the newest drill with those before it, "" if there is nothing to compare.
	Trend string `json:"trend"`
	// Rejected are tags that look like reports and count for nothing.
	Rejected []rejectedDrill `json:"rejected"`
}

type drillLine struct {
	drillreport.Earlier
	By       string `json:"by"`
	Trigger  string `json:"trigger"`
	SignedBy string `json:"signedBy"`
}

type rejectedDrill struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func newDrillHistory(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "history",
		Short: "List the drills of a repository, newest first, with their trend",
		Long: `List the drills of a repository, newest first, and say how the recovery time of the newest compares
with those before it. Only reports that somebody trusted has signed count.` +
			exitStatus("0  listed, even if there is none", "3  listed, and some are not trusted or cannot be read", "10 no repository",
				"12 no signer is trusted"),
		Example: `  appbur drill history --repo ./mgmt.git
  appbur drill history --repo ./mgmt.git --json | jq '.drills[0].recoverySeconds'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return drillHistoryRun(e, &o, asJSON) },
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	jsonFlag(command, &asJSON)
	headersFlag(e, command)
	return command
}

// drills reads the reports of a repository.
func (o *repositoryOptions) drills(e *env) (*repository.Repository, []keptDrill, []repository.RejectedDrill, error) {
	repo, err := o.open()
	if err != nil {
		return nil, nil, nil, err
	}
	keys, err := o.judgeKeys(e, repo)
	if err != nil {
		return nil, nil, nil, err
	}
	trusted, err := o.trustRoot(e, keys)
	if err != nil {
		return nil, nil, nil, err
	}
	reports, rejected, err := readDrills(repo, trusted)
	return repo, reports, rejected, err
}

func drillHistoryRun(e *env, o *repositoryOptions, asJSON bool) error {
	repo, reports, rejected, err := o.drills(e)
	if err != nil {
		return err
	}
	history := drillHistory{Drills: []drillLine{}, Rejected: []rejectedDrill{}}
	for _, r := range reports {
		history.Drills = append(history.Drills, drillLine{r.Brief(), r.By.User + "@" + r.By.Host, r.By.Trigger, r.SignedBy})
	}
	for _, r := range rejected {
		history.Rejected = append(history.Rejected, rejectedDrill{r.Name, r.Err.Error()})
	}
	if len(history.Drills) > 0 {
		var before []drillreport.Earlier
		for _, line := range history.Drills[1:] {
			before = append(before, line.Earlier)
		}
		history.Trend = drillreport.Trend(history.Drills[0].Earlier, before)
	}

	switch {
	case asJSON:
		err = e.printJSON(history)
	case len(history.Drills) == 0:
		e.say("No drill yet. Make one with: appbur drill latest --repo %s --kubernetes 1.37", repo.Dir())
	default:
		e.printHistory(history)
	}
	if err == nil && len(rejected) > 0 {
		for _, r := range history.Rejected {
			e.warn("drill-reports/%s counts for nothing: %s", oneLine(r.Name), oneLine(r.Reason))
		}
		return errPartly
	}
	return err
}

func (e *env) printHistory(history drillHistory) {
	t := e.newTable(drillHistoryColumns...)
	for _, line := range history.Drills {
		t.add(coloured(sgrCyan, line.ID), plain(e.when(line.Began)), plain(string(line.Point)), plain(line.Kubernetes.String()),
			outcomeOf(line.Outcome), plain(spanOf(line.RecoverySeconds)), plain(spanOf(line.RecoveryPointSeconds)), plain(oneLine(line.By)))
	}
	t.print(e.Out)
	if history.Trend != "" {
		e.say("recovery time of the newest: %s", history.Trend)
	}
}
