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

// shownKinds is how many kinds one webhook names.
const shownKinds = 5

// admission asks the target which webhooks act on what the plan writes.
func (e *env) admission(ctx context.Context, made planned) (restore.Admission, error) {
	bar := e.bar("asking for the webhooks of the target", progress.Uncounted)
	defer bar.finish()
	admission, err := restore.ReviewAdmission(ctx, made.plan, made.cluster, made.rules)
	if err != nil {
		return restore.Admission{}, clusterHint(err)
	}
	return admission, nil
}

// printAdmission says which webhooks change what the plan writes, and which refuse it; nothing where
// there are none.
func (e *env) printAdmission(w io.Writer, admission restore.Admission) {
	var mutating, refusing []restore.LiveWebhook
	for _, hook := range admission.Webhooks {
		if hook.Mutates {
			mutating = append(mutating, hook)
		}
		if hook.Refuses() {
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
	if hook.Restored {
		return "remove its configuration; the restore brings it back at its end, after what answers for it"
	}
	return "start what answers for it, or remove its configuration"
}

// tellAdmission shows before a restore what webhooks will do to it.
func (e *env) tellAdmission(ctx context.Context, o *restoreOptions, made planned) error {
	if o.json {
		return nil // plan --json has it
	}
	admission, err := e.admission(ctx, made)
	if err != nil {
		return err
	}
	out := e.paragraphs(4)
	e.printAdmission(out, admission)
	if len(admission.Webhooks) > 0 {
		fmt.Fprintln(e.Out)
	}
	return nil
}
