package cli

import (
	"context"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// differences reads what the plan writes from the target, and returns what is missing there
// or is another.
func (e *env) differences(ctx context.Context, made planned) ([]restore.Finding, error) {
	bar := e.bar("comparing with the target", "objects")
	findings, err := restore.Verify(ctx, made.plan, made.cluster, made.rules, stepProgress{bar})
	bar.finish()
	if err != nil {
		return nil, err
	}

	differences := []restore.Finding{}
	for _, finding := range findings.Findings {
		switch finding.Kind {
		case restore.FindingMissing, restore.FindingDifferent, restore.FindingOwner, restore.FindingUnreadable, restore.FindingTerminating:
			differences = append(differences, finding)
		default: // nothing that a restore would write
		}
	}
	return differences, nil
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
		fmt.Fprintf(out, "      %s%s\n", where, oneLine(d.What))
	}
}
