package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// shownManagers is how many field managers one line names.
const shownManagers = 5

// Server-side apply remembers who applied which fields. A tool that applies an object
// under its own name gets conflicts when the fields belong to another manager, and what
// it stops applying stays when another manager has it, too. So an object that was applied
// in the source belongs to those who applied it again, and to appbur no longer, once it
// has been created: the same applies do the same in both clusters.

// appliersOf are the field managers of the source that get their fields back.
func appliersOf(entry manifest.Entry) []manifest.Manager {
	var appliers []manifest.Manager
	for _, m := range entry.Managers {
		if m.Operation == string(metav1.ManagedFieldsOperationApply) && m.Subresource == "" && m.Manager != FieldManager && len(m.Fields) > 0 {
			appliers = append(appliers, m)
		}
	}
	return appliers
}

func namesOf(managers []manifest.Manager) []string {
	names := make([]string, 0, len(managers))
	for _, m := range managers {
		names = append(names, m.Manager)
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// handOverNode makes the step that gives the fields of an object back.
func (d *draft) handOverNode(entry manifest.Entry) {
	appliers := appliersOf(entry)
	if d.apply == nil || len(appliers) == 0 {
		return
	}
	names := namesOf(appliers)
	d.apply.step.detail().handsOver = d.prepared == nil && d.statusNode == nil
	d.handOver = &node{stage: d.apply.stage, rank: d.apply.rank, step: &Step{
		Action: ActionHandOver, Object: d.object.ID, APIVersion: d.object.APIVersion,
		Why: "its fields belong to " + appbur.Shortlist(names, shownManagers) + " as they did", redaction: d.redaction,
		details: &StepDetails{Managers: names, appliers: appliers},
	}}
	for _, before := range []*node{d.prepared, d.apply, d.statusNode} {
		if before != nil {
			d.handOver.after(before, firm)
		}
	}
}

// handOver gives fields back. What was there before the restore is not touched. The
// object is restored in any case, so a failure is reported as a note.
func (w *worker) handOver(ctx context.Context, a *stepResult, before learned) error {
	if !before.created {
		return nil
	}
	err := w.readAndWrite(ctx, a, func() error {
		managed := before.managed
		before.managed = nil // once somebody else has written it, it is read
		return w.tryHandOver(ctx, a, before.self, managed)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.note = fmt.Sprintf("its fields were not given back to %s: %v", appbur.Shortlist(a.step.Details().Managers, shownManagers), err)
	}
	return nil
}

// tryHandOver gives fields back in one write. What the answer to the create said of the
// managers is enough for it; without that the object is read.
func (w *worker) tryHandOver(ctx context.Context, a *stepResult, self *Identity, managed []json.RawMessage) error {
	var version string
	var entries []any
	if self != nil && len(managed) > 0 {
		version = self.ResourceVersion
		for _, raw := range managed {
			var entry map[string]any
			if err := json.Unmarshal(raw, &entry); err != nil {
				return fmt.Errorf("reading the managers: %w", err)
			}
			entries = append(entries, entry)
		}
	} else {
		live, err := w.live(ctx, a)
		if err != nil || live == nil {
			return err // it is not there after a dry run
		}
		version, entries = text(live, "metadata", "resourceVersion"), list(live, "metadata", "managedFields")
	}

	entries, changed, err := handedOver(entries, a.step.Details().appliers, a.step.APIVersion)
	if err != nil || !changed {
		return err
	}
	return w.sendManagers(ctx, a, version, entries)
}

// handedOver returns managedFields in which what we created belongs to the appliers, as
// far as it was theirs, and the rest to no manager, as what a server fills in does. An
// applier that has applied again meanwhile knows better.
func handedOver(entries []any, appliers []manifest.Manager, apiVersion string) (after []any, changed bool, err error) {
	var ours map[string]any
	applied := map[string]bool{}
	for _, entry := range entries {
		if text(entry, "manager") == FieldManager && text(entry, "subresource") == "" {
			ours = dict(entry)
			continue
		}
		if text(entry, "operation") != string(metav1.ManagedFieldsOperationApply) || text(entry, "subresource") != "" {
			after = append(after, entry)
			continue
		}
		applied[text(entry, "manager")] = true
		after = append(after, entry)
	}
	if ours == nil {
		return entries, false, nil
	}
	have, err := fieldSet(ours["fieldsV1"])
	if err != nil {
		return nil, false, err
	}

	for _, m := range appliers {
		theirs, err := fieldSet(m.Fields)
		if err != nil {
			return nil, false, fmt.Errorf("the fields of %s: %w", m.Manager, err)
		}
		// The object may be of another version now, and without what rules took out.
		given := theirs.Intersection(have)
		if applied[m.Manager] {
			changed = true
			continue
		}
		if given.Empty() {
			continue
		}
		encoded, err := given.ToJSON()
		if err != nil {
			return nil, false, err
		}
		after = append(after, map[string]any{
			"manager": m.Manager, "operation": string(metav1.ManagedFieldsOperationApply), "apiVersion": apiVersion,
			"time": ours["time"], "fieldsType": "FieldsV1", "fieldsV1": json.RawMessage(encoded),
		})
		changed = true
	}
	return after, changed, nil
}

// fieldSet reads a set of fields in the form of managedFields.
func fieldSet(value any) (*fieldpath.Set, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	set := &fieldpath.Set{}
	return set, set.FromJSON(bytes.NewReader(raw))
}
