package cli

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/rendered"
	"github.com/appbur/appbur/pkg/restore"
)

// renderAnswer is what `render --json` prints (docs/json.md).
type renderAnswer struct {
	Point     appbur.RestorePointID `json:"restorePoint"`
	Target    appbur.KubeVersion    `json:"targetVersion"`
	Directory string                `json:"directory"`
	Files     int                   `json:"files"`
	Phases    []rendered.PhaseFiles `json:"phases"`
	// Sealed are objects with secret values in SOPS files, InClear those in plain ones.
	Sealed  int `json:"sealed"`
	InClear int `json:"inClear"`

	LeftOut   []leftOut         `json:"leftOut"`
	Owners    []withoutOwners   `json:"withoutOwners"`
	Status    []appbur.ObjectID `json:"withoutStatus"`
	Late      []completeAtOnce  `json:"completeAtOnce"`
	Apart     []rendered.Apart  `json:"apart"`
	Converted []appbur.ObjectID `json:"converted"`
	Notes     []restore.Note    `json:"notes"`
	Refused   []appbur.ObjectID `json:"expectedRefusals"`
}

// leftOut is an object that is not rendered.
type leftOut struct {
	Object appbur.ObjectID `json:"object"`
	Why    string          `json:"why"`
	Hint   string          `json:"hint,omitempty"`
}

type withoutOwners struct {
	Object appbur.ObjectID   `json:"object"`
	Owners []appbur.ObjectID `json:"owners"`
}

// completeAtOnce is an object that a restore would complete later than it creates it.
type completeAtOnce struct {
	Object appbur.ObjectID `json:"object"`
	Why    string          `json:"why"`
}

func newRenderAnswer(o *renderOptions, plan *restore.Plan, objects []restore.PlainObject, set rendered.Set) renderAnswer {
	a := renderAnswer{
		Point: plan.Point, Target: plan.Target, Directory: o.dir, Files: len(set.Files), Phases: set.Phases,
		Sealed: set.Sealed, InClear: set.InClear, Apart: append([]rendered.Apart{}, set.Apart...),
		LeftOut: []leftOut{}, Owners: []withoutOwners{}, Status: []appbur.ObjectID{}, Late: []completeAtOnce{},
		Converted: []appbur.ObjectID{}, Notes: append([]restore.Note{}, plan.Notes...), Refused: []appbur.ObjectID{},
	}
	for _, object := range objects {
		if len(object.Owners) > 0 {
			without := withoutOwners{Object: object.Object}
			for _, owner := range object.Owners {
				without.Owners = append(without.Owners, owner.Object)
			}
			a.Owners = append(a.Owners, without)
		}
		if object.Status {
			a.Status = append(a.Status, object.Object)
		}
		if object.Late != "" {
			a.Late = append(a.Late, completeAtOnce{object.Object, object.Late})
		}
	}

	for _, step := range plan.Steps {
		switch {
		case step.Action == restore.ActionBlocked || step.Action == restore.ActionSkip:
			a.LeftOut = append(a.LeftOut, leftOut{step.Object, step.Why, step.Details().Hint})
		case step.Action != restore.ActionApply:
		case step.Details().From != "" || len(step.Details().Changes) > 0:
			a.Converted = append(a.Converted, step.Object)
		}
		if step.Action == restore.ActionApply && len(step.Details().Refusals) > 0 {
			a.Refused = append(a.Refused, step.Object)
		}
	}
	return a
}

// printRendered says what was written, and what a file cannot have.
func (e *env) printRendered(o *renderOptions, a renderAnswer) error {
	if o.json {
		return e.printJSON(a)
	}
	out := e.paragraphs(4)
	fmt.Fprintf(out, "rendered %s for Kubernetes %s into %s: %s\n",
		a.Point, a.Target.MinorString(), oneLine(a.Directory), count(a.Files, "file"))
	for _, phase := range a.Phases {
		fmt.Fprintf(out, "  %-16s %s\n", phase.Directory, count(phase.Objects, "object"))
	}
	switch {
	case a.InClear > 0:
		fmt.Fprintf(out, "%s %s with secret values in clear: keep the directory out of Git\n",
			e.paint(sgrYellow, "note"), count(a.InClear, "file"))
	case a.Sealed > 0:
		fmt.Fprintf(out, "secret values are encrypted in %s (SOPS): README.md says who decrypts them\n", count(a.Sealed, "file"))
	}

	for _, left := range a.LeftOut {
		why := left.Why
		if left.Hint != "" {
			why += " (" + left.Hint + ")"
		}
		fmt.Fprintf(out, "%s %s: %s\n", e.paint(sgrRed, "left out"), left.Object, oneLine(why))
	}
	e.printUnfit(a)
	for _, note := range a.Notes {
		fmt.Fprintf(out, "%s %s\n", e.paint(sgrYellow, "note"), oneLine(noteText(note)))
	}
	return nil
}

// printUnfit says what a plain manifest cannot have, with an example of each.
func (e *env) printUnfit(a renderAnswer) {
	out := e.paragraphs(4)
	tell := func(n int, what string, examples []string) {
		if n > 0 {
			fmt.Fprintf(out, "%s: %s\n", e.paint(sgrYellow, count(n, "object")+" "+what), oneLine(appbur.Shortlist(examples, shownNames)))
		}
	}
	var owned, late, apart []string
	for _, o := range a.Owners {
		owned = append(owned, o.Object.String())
	}
	for _, o := range a.Late {
		late = append(late, o.Object.String()+" ("+o.Why+")")
	}
	for _, o := range a.Apart {
		apart = append(apart, o.Path+" ("+o.Why+")")
	}

	tell(len(a.Converted), "converted for this version", texts(a.Converted))
	tell(len(owned), "without owner references, which need the uids of one cluster", owned)
	tell(len(a.Status), "without status, which controllers write", texts(a.Status))
	tell(len(late), "complete at once", late)
	tell(len(apart), "in no kustomization, to be applied by themselves (README.md)", apart)
	tell(len(a.Refused), "expected to be refused by the schema of their kind", texts(a.Refused))
}

func texts(ids []appbur.ObjectID) []string {
	var list []string
	for _, id := range ids {
		list = append(list, id.String())
	}
	return list
}

func noteText(note restore.Note) string {
	if note.Object == (appbur.ObjectID{}) {
		return note.What
	}
	return note.Object.String() + ": " + note.What
}
