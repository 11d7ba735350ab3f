package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/restorereport"
	"github.com/appbur/appbur/pkg/restore"
)

// silenceOptions say whether webhooks that nobody answers for are silenced while a restore writes what they
// would refuse. plan and restore take the same.
type silenceOptions struct{ dead bool }

func (o *silenceOptions) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&o.dead, "silence-dead-webhooks", false,
		"set failurePolicy to Ignore, until the end of the restore, on webhooks of the target that refuse what is restored because nobody "+
			"answers for them, if their configurations or what answers for them is restored, too")
}

// choose marks the webhooks that are silent during the restore, and returns those that it silences.
func (o silenceOptions) choose(admission *restore.Admission) []restore.LiveWebhook {
	isLeft := make(map[appbur.ObjectID][]string)
	for _, left := range admission.Silenced {
		if left.UntilEnd {
			isLeft[left.Configuration] = left.Webhooks
		}
	}

	var chosen []restore.LiveWebhook
	for i := range admission.Webhooks {
		hook := &admission.Webhooks[i]
		if hook.Silence = o.dead && hook.MayBeSilenced(); hook.Silence {
			chosen = append(chosen, *hook)
		}
		hook.Silence = hook.Silence || slices.Contains(isLeft[hook.Configuration], hook.Name)
	}
	return chosen
}

// staysSilent reports whether webhooks that a restore has left silent are so until the end of the next. One that
// has their configuration goes on with what was interrupted.
func (o silenceOptions) staysSilent(plan *restore.Plan, one restore.Silenced) bool {
	return o.dead || plan.IsRestored(one.Configuration)
}

// beforeSilence has the plan see configurations of webhooks that a restore has silenced as they were before.
func (p *planned) beforeSilence() {
	p.plain = p.cluster
	p.cluster = restore.BeforeSilence(p.plain, restore.Silencer{Cluster: p.plain})
}

// silencing are the webhooks that are silent during one restore, and what the plan has told of them.
type silencing struct {
	admission *restore.Admission
	silencer  restore.Silencer
	// cluster is what the restore writes to, nil before it does.
	cluster  *restore.SilencedCluster
	silent   []restore.Silenced
	outcomes []restore.SilenceOutcome
}

// begin silences what the plan has told, takes over what a restore has left silent that did not end, and
// returns the cluster to write to. What is not to stay silent is in force again before anything is written.
func (s *silencing) begin(
	ctx context.Context, e *env, o silenceOptions, plan *restore.Plan, silencer restore.Silencer,
) (*restore.SilencedCluster, error) {
	s.silencer = silencer
	left, err := e.leftSilent(ctx, silencer)
	if err != nil {
		return nil, err
	}
	var ended []restore.Silenced
	for _, one := range left {
		if !o.staysSilent(plan, one) {
			ended = append(ended, one)
		}
	}
	s.outcomes = silencer.Unsilence(ctx, ended, false)

	s.silent, err = silencer.Silence(ctx, o.choose(s.admission))
	for _, one := range left {
		isSilent := func(o restore.Silenced) bool { return o.Configuration == one.Configuration }
		if !slices.ContainsFunc(ended, isSilent) && !slices.ContainsFunc(s.silent, isSilent) {
			s.silent = append(s.silent, one)
		}
	}
	if err != nil {
		return nil, s.end(ctx, e, clusterHint(err))
	}
	s.cluster = restore.BeforeSilence(silencer.Cluster, silencer, s.admission.Created...)
	return s.cluster, nil
}

// leftSilent finds what a restore has left silent. An account that may not list it could not have silenced
// anything either.
func (e *env) leftSilent(ctx context.Context, s restore.Silencer) ([]restore.Silenced, error) {
	found, err := s.Find(ctx)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, clusterHint(err)
	}
	return slices.DeleteFunc(found, func(one restore.Silenced) bool {
		if one.Problem != "" {
			e.warn("%s: %s; remove it, and see that its webhooks have the failurePolicy that they should have", one.Configuration, one.Problem)
		}
		return one.Problem != ""
	}), nil
}

// end puts in force again what is silent. It waits for what answers for it if the restore is whole. The error
// is that of the restore, or else what is not as it was.
func (s *silencing) end(ctx context.Context, e *env, failed error) error {
	if s.cluster != nil {
		s.silent = append(s.silent, s.cluster.Made(ctx)...)
	}
	if len(s.silent) > 0 {
		bar := e.bar("putting webhooks in force again", progress.Uncounted)
		s.silencer.Waiting = func(_ appbur.ObjectID, why string) { bar.change(func() { bar.task.Note = "waiting: " + why }) }
		s.outcomes = append(s.outcomes, s.silencer.Unsilence(ctx, s.silent, failed == nil)...)
		s.silent = nil
		bar.finish()
	}

	err := restore.SilenceError(s.outcomes)
	if failed != nil && err != nil {
		e.warn("%v", err)
	}
	if failed != nil {
		return failed
	}
	return err
}

// all are the outcomes, never nil.
func (s *silencing) all() []restore.SilenceOutcome {
	return append([]restore.SilenceOutcome{}, s.outcomes...)
}

// printSilenced says what became of silenced webhooks.
func (e *env) printSilenced(w io.Writer, outcomes []restore.SilenceOutcome) {
	for _, o := range outcomes {
		what := appbur.Shortlist(o.Webhooks, shownNames) + " of " + o.Configuration.String()
		switch {
		case o.Result == "": // it was not tried
		case o.Result == restore.SilenceFailed:
			fmt.Fprintf(w, "%s %s: %s\n", e.paint(sgrRed, "stays silenced:"), what, oneLine(o.Reason))
		case o.Result == restore.SilenceGone:
			fmt.Fprintf(w, "was silenced, and is gone: %s\n", what)
		case o.Unready != "":
			fmt.Fprintf(w, "%s %s: %s\n", e.paint(sgrYellow, "was silenced, and is in force again with nobody who answers:"), what,
				oneLine(o.Unready))
		default:
			fmt.Fprintf(w, "was silenced, and is in force again: %s\n", what)
		}
	}
}

// planSilenced adds to what is released the webhooks that a restore has left silent.
func (e *env) planSilenced(ctx context.Context, cluster restore.Cluster, answer *activationAnswer) error {
	left, err := e.leftSilent(ctx, restore.Silencer{Cluster: cluster})
	for _, one := range left {
		answer.Silenced = append(answer.Silenced, restore.SilenceOutcome{Silenced: one})
	}
	return err
}

// silencedOf are the webhooks that outcomes are about.
func silencedOf(outcomes []restore.SilenceOutcome) []restore.Silenced {
	all := make([]restore.Silenced, 0, len(outcomes))
	for _, o := range outcomes {
		all = append(all, o.Silenced)
	}
	return all
}

// pageSilenced are the webhooks that were silent while objects were restored.
func pageSilenced(outcomes []restore.SilenceOutcome) restorereport.Section {
	section := restorereport.Section{Title: "Webhooks that let pass what nobody answers for, during the restore"}
	for _, o := range outcomes {
		row := restorereport.Row{Object: o.Configuration.String(), What: []string{strings.Join(o.Webhooks, ", ")}}
		switch {
		case o.Result == restore.SilenceFailed:
			row.What = append(row.What, "stay silenced: "+o.Reason)
		case o.Result == restore.SilenceGone:
			row.What = append(row.What, "are gone")
		case o.Unready != "":
			row.What = append(row.What, "in force again, and nobody answers: "+o.Unready)
		default:
			row.What = append(row.What, "in force again")
		}
		section.Rows = append(section.Rows, row)
	}
	return section
}
