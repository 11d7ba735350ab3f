package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
)

// shownKinds is how many kinds one webhook names.
const shownKinds = 5

// admission asks the target which webhooks act on what the plan writes, and says which of them are silenced:
// that needs rights.
func (e *env) admission(ctx context.Context, made *planned, silence silenceOptions) (restore.Admission, error) {
	bar := e.bar("asking for the webhooks of the target", progress.Uncounted)
	defer bar.finish()
	admission, err := restore.ReviewAdmission(ctx, made.plan, made.cluster, made.rules)
	if err != nil {
		return restore.Admission{}, clusterHint(err)
	}
	left, err := e.leftSilent(ctx, restore.Silencer{Cluster: made.plain})
	if err != nil {
		return restore.Admission{}, err
	}
	for _, one := range left {
		admission.Silenced = append(admission.Silenced, restore.LeftSilent{Silenced: one, UntilEnd: silence.staysSilent(made.plan, one)})
	}

	var rewritten []appbur.ObjectID
	for _, hook := range silence.choose(&admission) {
		rewritten = append(rewritten, hook.Configuration)
	}
	for _, one := range admission.Created {
		rewritten = append(rewritten, one.Configuration)
	}
	made.besides = slices.Concat(made.besides, restore.SilenceRights(rewritten...))
	return admission, nil
}

// printAdmission says which webhooks change what the plan writes, and which refuse it; nothing where
// there are none.
func (e *env) printAdmission(w io.Writer, admission restore.Admission) {
	var mutating, refusing, silenced []restore.LiveWebhook
	for _, hook := range admission.Webhooks {
		if hook.Mutates {
			mutating = append(mutating, hook)
		}
		switch {
		case hook.Silence:
			silenced = append(silenced, hook)
		case hook.Refuses():
			refusing = append(refusing, hook)
		}
	}

	if admission.Unknown != "" {
		fmt.Fprintf(w, "\nwebhooks of the target: %s\n", oneLine("not known: "+admission.Unknown))
	}
	if len(mutating) > 0 {
		fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrYellow, "Webhooks of the target may change what is restored"), len(mutating))
	}
	for _, hook := range mutating {
		fmt.Fprintf(w, "  %s\n", oneLine(webhookLine(hook)))
	}
	if len(refusing) > 0 {
		fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrRed, "Webhooks of the target refuse what is restored, because nobody answers for them"),
			len(refusing))
	}
	for _, hook := range refusing {
		fmt.Fprintf(w, "  %s\n      hint: %s\n", oneLine(webhookLine(hook)), webhookHint(hook))
	}
	e.printSilences(w, admission, silenced)
}

// printSilences says which webhooks are silenced, and which still are by a restore that did not end.
func (e *env) printSilences(w io.Writer, admission restore.Admission, silenced []restore.LiveWebhook) {
	if len(silenced) > 0 {
		fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrYellow,
			"Silenced until the end of the restore: webhooks of the target that nobody answers for"), len(silenced))
	}
	for _, hook := range silenced {
		fmt.Fprintf(w, "  %s\n", oneLine(webhookLine(hook)))
	}

	if len(admission.Created) > 0 {
		fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrYellow,
			"Created with failurePolicy Ignore, until somebody answers or the restore ends: configurations of webhooks"), len(admission.Created))
	}
	for _, one := range admission.Created {
		fmt.Fprintf(w, "  %s of %s\n", oneLine(appbur.Shortlist(one.Webhooks, shownNames)), one.Configuration)
	}

	if len(admission.Silenced) > 0 {
		fmt.Fprintf(w, "\n%s (%d)\n", e.paint(sgrYellow, "Still silenced by a restore that did not end"), len(admission.Silenced))
	}
	for _, one := range admission.Silenced {
		when := "put in force again by the next restore, before it writes"
		if one.UntilEnd {
			when = "put in force again by the next restore, at its end"
		}
		fmt.Fprintf(w, "  %s of %s: %s\n", oneLine(appbur.Shortlist(one.Webhooks, shownNames)), one.Configuration, when)
	}
}

// webhookLine says what a webhook acts on, and what answers for it.
func webhookLine(hook restore.LiveWebhook) string {
	kinds := make([]string, 0, len(hook.Kinds))
	for _, kind := range hook.Kinds {
		kinds = append(kinds, kind.String())
	}
	parts := []string{
		fmt.Sprintf("%s of %s: %s (%s)", hook.Name, hook.Configuration, count(hook.Objects, "object"), appbur.Shortlist(kinds, shownKinds)),
		"failurePolicy " + hook.FailurePolicy,
	}
	if hook.Conditional {
		parts = append(parts, "if its matchConditions hold")
	}

	switch {
	case hook.Service == nil:
		parts = append(parts, "answered by "+hook.Address)
	case hook.Backend == restore.BackendRuns:
		parts = append(parts, fmt.Sprintf("answered by %s", hook.Service))
	case hook.Backend == restore.BackendMissing:
		parts = append(parts, fmt.Sprintf("%s does not exist", hook.Service))
	case hook.Backend == restore.BackendDown:
		parts = append(parts, fmt.Sprintf("%s has no endpoint that is ready", hook.Service))
	case hook.Backend == restore.BackendUnknown:
		parts = append(parts, fmt.Sprintf("the account may not see whether %s runs", hook.Service))
	}
	return strings.Join(parts, "; ")
}

// webhookHint is the next step before a webhook that refuses everything.
func webhookHint(hook restore.LiveWebhook) string {
	if hook.MayBeSilenced() {
		return "pass --silence-dead-webhooks to let it pass until the end of the restore"
	}
	return "start what answers for it; or remove its configuration; or restore one of both, too, with --silence-dead-webhooks"
}

// tellAdmission shows before a restore what webhooks will do to it.
func (e *env) tellAdmission(o *restoreOptions, admission restore.Admission) {
	if o.json {
		return // it is in the answer
	}
	e.printAdmission(e.paragraphs(4), admission)
	if len(admission.Webhooks)+len(admission.Created)+len(admission.Silenced) > 0 {
		fmt.Fprintln(e.Out)
	}
}
