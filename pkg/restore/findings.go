package restore

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// FindingsFormat is the version of the findings' JSON document.
const FindingsFormat = 1

// FindingKind says what is wrong with a restored object. The set is closed.
type FindingKind string

// The kinds of findings.
const (
	// FindingMissing objects are not there.
	FindingMissing FindingKind = "missing"
	// FindingDifferent objects do not have something that is in the plan, or have another
	// value there.
	FindingDifferent FindingKind = "different"
	// FindingUnchangeable objects differ in fields that cannot be changed. Only a comparison with a plan
	// finds them ([FindUnchangeable]).
	FindingUnchangeable FindingKind = "unchangeable"
	// FindingOwner objects miss an owner reference, or have it with other flags.
	FindingOwner FindingKind = "owner"
	// FindingDangling objects have an owner reference to a uid that no live object
	// has. The garbage collector deletes such objects.
	FindingDangling FindingKind = "dangling-owner"
	// FindingTerminating objects are being deleted.
	FindingTerminating FindingKind = "terminating"
	// FindingStatus objects should have a status and have none.
	FindingStatus FindingKind = "status"
	// FindingNotReady objects are there, and are not ready by kstatus. Only a [Verifier] that is told
	// to finds them.
	FindingNotReady FindingKind = "not-ready"
	// FindingAdded objects are not in the restore point, or have keys that it does not have. A
	// restore leaves them.
	FindingAdded FindingKind = "added"
	// FindingBlocked objects are in the restore point and cannot be in the target: they are
	// left out, which is no fault of the target.
	FindingBlocked FindingKind = "blocked"
	// FindingUnreadable objects could not be read.
	FindingUnreadable FindingKind = "unreadable"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind   FindingKind     `json:"kind"`
	Object appbur.ObjectID `json:"object"`
	Path   string          `json:"path,omitempty"`
	What   string          `json:"what"`
	// Managers have the field that is different, without appbur. Conflict is true when a restore by
	// this plan would not take it from them.
	Managers []string `json:"managers,omitempty"`
	Conflict bool     `json:"conflict,omitempty"`
}

// Addition counts the objects of a kind that have a field which the plan does not
// have: a default of the newer server, or something that a controller wrote.
type Addition struct {
	Kind appbur.GroupKind `json:"kind"`
	Path string           `json:"path"`
	// Manager is who is recorded as its writer, "" for a default.
	Manager string `json:"manager,omitempty"`
	Objects int    `json:"objects"`
}

// Findings are what [Verify] found. Additions and StatusMoved are information;
// only Findings say that something is wrong.
type Findings struct {
	Format int                   `json:"format"`
	Point  appbur.RestorePointID `json:"restorePoint"`
	// Checked counts objects, Owners the owner references that were checked.
	Checked int `json:"checked"`
	Owners  int `json:"owners"`
	// StatusMoved counts objects whose status is no longer the restored one,
	// because their controller works.
	StatusMoved int       `json:"statusMoved"`
	Findings    []Finding `json:"findings"`
	// Looks is how often the target was looked at until it had settled, or the time for that was over.
	Looks int `json:"looks,omitempty"`
	// LeftOut are objects that the plan leaves out: because the target cannot have them, or
	// because what they lie in is not in the restore point.
	LeftOut   []Finding  `json:"leftOut,omitempty"`
	Additions []Addition `json:"additions,omitempty"`
	// NotListed are kinds that the account may not list, or that the target cannot: whether objects were added is not known.
	NotListed []appbur.GroupKind `json:"notListed,omitempty"`
	// NotSearched says why no added objects were looked for, "" if they were.
	NotSearched string `json:"notSearched,omitempty"`
}

// OK reports whether nothing is wrong.
func (f Findings) OK() bool { return len(f.Findings) == 0 }

// Render writes the findings for people.
func (f Findings) Render(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d objects and %d owner references checked, %d findings", f.Checked, f.Owners, len(f.Findings))
	if len(f.LeftOut) > 0 {
		fmt.Fprintf(&b, "; %s left out, which the target cannot have", objectCount(len(f.LeftOut)))
	}
	if f.Looks > 1 {
		fmt.Fprintf(&b, "; looked at %d times", f.Looks)
	}
	b.WriteString("\n")

	for _, finding := range f.Findings {
		fmt.Fprintf(&b, "  %s %s: ", finding.Kind, finding.Object)
		if finding.Path != "" {
			fmt.Fprintf(&b, "%s ", finding.Path)
		}
		fmt.Fprintln(&b, finding.What)
	}

	for _, finding := range f.LeftOut {
		fmt.Fprintf(&b, "  left out %s: %s\n", finding.Object, finding.What)
	}
	if f.StatusMoved > 0 {
		fmt.Fprintf(&b, "%d objects have a newer status than the restored one\n", f.StatusMoved)
	}
	if len(f.Additions) > 0 {
		b.WriteString("fields that the target has on top, set by its own defaults, admission or controllers:\n")
		for _, a := range f.Additions {
			fmt.Fprintf(&b, "  %s %s (%d)", a.Kind, a.Path, a.Objects)
			if a.Manager != "" {
				fmt.Fprintf(&b, ", by %s", a.Manager)
			}
			b.WriteString("\n")
		}
	}
	if f.NotSearched != "" {
		fmt.Fprintf(&b, "added objects were not looked for: %s\n", f.NotSearched)
	}
	for _, kind := range f.NotListed {
		fmt.Fprintf(&b, "%s cannot be listed: whether any were added is not known\n", kind)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *Findings) sort() {
	slices.SortFunc(f.Findings, func(a, b Finding) int {
		return cmp.Or(a.Object.Compare(b.Object), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path), cmp.Compare(a.What, b.What))
	})
	slices.SortFunc(f.Additions, func(a, b Addition) int {
		return cmp.Or(a.Kind.Compare(b.Kind), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Manager, b.Manager))
	})
	slices.SortFunc(f.NotListed, appbur.GroupKind.Compare)
}

// MarshalJSON writes an empty list of findings as [], not null.
func (f Findings) MarshalJSON() ([]byte, error) {
	type plain Findings
	if f.Findings == nil {
		f.Findings = []Finding{}
	}
	return json.Marshal(plain(f))
}
