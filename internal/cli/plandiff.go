package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
)

// foretold is what a restore by the plan would do to the objects of the target.
type foretold struct {
	Create int `json:"create"`
	Change int `json:"change"`
	Leave  int `json:"leave"`
	// Unknown are objects that could not be read, or are being deleted.
	Unknown int `json:"unknown"`

	// differences are where the target is not as the plan says.
	differences []restore.Finding
}

// foretell says what a restore would do to a target that was compared with the plan.
func foretell(findings *restore.Findings) foretold {
	f := foretold{differences: []restore.Finding{}}
	becomes := make(map[appbur.ObjectID]*int)
	for _, finding := range findings.Findings {
		counted := &f.Change
		switch finding.Kind {
		case restore.FindingMissing:
			counted = &f.Create
		case restore.FindingUnreadable, restore.FindingTerminating:
			counted = &f.Unknown
		case restore.FindingDifferent, restore.FindingOwner, restore.FindingStatus:
		default:
			continue // nothing that a restore would write
		}
		if becomes[finding.Object] != &f.Unknown {
			becomes[finding.Object] = counted
		}
		if finding.Kind != restore.FindingStatus {
			f.differences = append(f.differences, finding)
		}
	}

	for _, counted := range becomes {
		*counted++
	}
	f.Leave = findings.Checked - len(becomes)
	return f
}

// isNothing reports whether a restore would leave the target as it is.
func (f foretold) isNothing() bool { return f.Create+f.Change+f.Unknown == 0 }

func (e *env) printForetold(f foretold) {
	fmt.Fprintf(e.Out, "\nIn the target: %d would be created, %d changed, %d stay as they are", f.Create, f.Change, f.Leave)
	if f.Unknown > 0 {
		fmt.Fprintf(e.Out, "; %d could not be read, or are being deleted", f.Unknown)
	}
	fmt.Fprintln(e.Out)
}

// unchangeable adds to the differences what cannot be changed. It sends a dry run of each object that differs.
func (f foretold) unchangeable(ctx context.Context, e *env, made planned) ([]restore.Finding, error) {
	bar := e.bar("asking the target what can be changed", progress.Uncounted)
	defer bar.finish()
	differ := make(map[appbur.ObjectID]bool, len(f.differences))
	for _, d := range f.differences {
		differ[d.Object] = true
	}
	fixed, err := restore.FindUnchangeable(ctx, made.plan, made.cluster, made.rules, differ)
	if err != nil {
		return nil, clusterHint(err)
	}
	all := slices.Clone(f.differences)
	for _, one := range fixed {
		what := "cannot be changed: " + one.Why
		if one.Refused != "" {
			what += " (and is not replaced: " + one.Refused + ")"
		}
		all = append(all, restore.Finding{Kind: restore.FindingUnchangeable, Object: one.Object, What: what})
	}
	slices.SortStableFunc(all, func(a, b restore.Finding) int { return a.Object.Compare(b.Object) })
	return all, nil
}

// printDifferences writes the fields that are others, below their objects.
func (e *env) printDifferences(differences []restore.Finding) {
	out := e.paragraphs(4)
	fmt.Fprintf(out, "\nDifferences to the target (%d)\n", len(differences))
	var last appbur.ObjectID

	for _, d := range differences {
		if d.Kind == restore.FindingMissing {
			fmt.Fprintf(out, "  %s %s\n", e.mark("added"), d.Object)
			continue
		}
		if d.Object != last {
			fmt.Fprintf(out, "  %s %s\n", e.mark("changed"), d.Object)
		}
		last = d.Object
		where := d.Path
		if where != "" {
			where += ": "
		}
		fmt.Fprintf(out, "      %s%s%s\n", where, oneLine(d.What), oneLine(managedText(d)))
	}
}

// managedText says who has the field, and whether it can be written.
func managedText(d restore.Finding) string {
	who := appbur.Shortlist(d.Managers, shownNames)
	switch {
	case len(d.Managers) == 0:
		return ""
	case d.Conflict:
		return " (conflict: " + who + " manages it)"
	}
	return " (taken from " + who + ")"
}
