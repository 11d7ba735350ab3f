package rewrite

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// Assigned is something that a cluster gives an object. The set is closed.
type Assigned string

// What a cluster assigns.
const (
	NodePorts  Assigned = "node-ports"
	Addresses  Assigned = "addresses"
	Volumes    Assigned = "volumes"
	Finalizers Assigned = "finalizers"
)

// assignedRule says how one of them is brought back, or left to the target. Without a word from
// the user, what somebody requested comes back and what a cluster chose is chosen again.
type assignedRule struct {
	what Assigned
	// preserve puts back what the old cluster chose, reassign takes out what was requested;
	// nil where there is nothing to do.
	preserve, reassign func(c *changing, p assigning) (keep bool, err error)
}

var assignedRules = []assignedRule{
	{
		what: NodePorts,
		preserve: func(c *changing, p assigning) (bool, error) {
			return true, c.bring(p, isNodePort, "the old cluster chose it")
		},
		reassign: func(c *changing, _ assigning) (bool, error) {
			c.take("spec.healthCheckNodePort", "ports[].nodePort", "the target chooses one")
			return true, nil
		},
	},
	{
		what: Addresses,
		preserve: func(c *changing, p assigning) (bool, error) {
			return true, c.bring(p, isAddress, "the old cluster chose it")
		},
		reassign: reassignAddresses,
	},
	{what: Volumes, reassign: reassignVolumes},
	{what: Finalizers, reassign: reassignFinalizers},
}

// assigning is what a rule may know of the point.
type assigning struct {
	index map[appbur.ObjectID]manifest.Entry
	held  map[appbur.ObjectID]bool
}

// AssignedError is a word that names nothing that a cluster assigns, or nothing that can be
// done about it.
type AssignedError struct {
	Word string
	Want []string
}

func (e *AssignedError) Error() string {
	return fmt.Sprintf("%q: want some of %s", e.Word, strings.Join(e.Want, ", "))
}

// ParsePreserve reads what keeps the values of the old cluster. An error is an [AssignedError].
func ParsePreserve(words []string) ([]Assigned, error) {
	return parseAssigned(words, func(r assignedRule) bool { return r.preserve != nil })
}

// ParseReassign reads what the target chooses anew. An error is an [AssignedError].
func ParseReassign(words []string) ([]Assigned, error) {
	return parseAssigned(words, func(r assignedRule) bool { return r.reassign != nil })
}

func parseAssigned(words []string, can func(assignedRule) bool) (list []Assigned, err error) {
	var known []string
	for _, r := range assignedRules {
		if can(r) {
			known = append(known, string(r.what))
		}
	}
	for _, word := range words {
		if !slices.Contains(known, word) {
			return nil, &AssignedError{word, known}
		}
		list = append(list, Assigned(word))
	}
	return list, nil
}

// assign applies the rules that were chosen to all objects of a point.
func (c Changes) assign(p restore.Point) (restore.Point, error) {
	var steps []func(*changing, assigning) (bool, error)
	for _, r := range assignedRules {
		switch {
		case slices.Contains(c.Preserve, r.what):
			steps = append(steps, r.preserve)
		case slices.Contains(c.Reassign, r.what):
			steps = append(steps, r.reassign)
		}
	}
	if len(steps) == 0 {
		return p, nil
	}

	in := assigning{index: p.Index, held: make(map[appbur.ObjectID]bool, p.Objects.Len())}
	for _, id := range p.Objects.IDs() {
		in.held[id] = true
	}
	changed := p
	changed.Objects, changed.Index, changed.Notes = restore.Objects{}, maps.Clone(p.Index), slices.Clone(p.Notes)
	for _, o := range p.Objects.All() {
		after := &changing{Object: o}
		after.Rewritten = slices.Clone(o.Rewritten)
		kept := true
		for _, step := range steps {
			keep, err := step(after, in)
			if err != nil {
				return p, fmt.Errorf("%s: %w", o.ID, err)
			}
			kept = kept && keep
		}
		if !kept {
			changed.Notes = append(changed.Notes, restore.Note{
				Kind: restore.NoteChange, Object: o.ID, What: "left out, because its claim gets another volume",
			})
			continue
		}
		if slices.Contains(c.Reassign, Volumes) && o.ID.GroupKind() == kindClaim {
			changed.Index[o.ID] = unbound(p.Index[o.ID])
		}
		changed.Objects.Add(after.Object)
	}
	return changed, nil
}

// unbound is the entry of a claim without the volume that it had.
func unbound(entry manifest.Entry) manifest.Entry {
	entry.Fields = maps.Clone(entry.Fields)
	delete(entry.Fields, "spec.volumeName")
	return entry
}

// reassignVolumes lets claims get new volumes, and leaves those out that they had.
func reassignVolumes(c *changing, p assigning) (bool, error) {
	switch c.ID.GroupKind() {
	case kindClaim:
		c.dropFromSpec("volumeName", "the claim gets another volume, which is empty")
	case kindVolume:
		claim := appbur.ObjectID{
			Kind: kindClaim.Kind, Namespace: text(c.Content, "spec", "claimRef", "namespace"), Name: text(c.Content, "spec", "claimRef", "name"),
		}
		return !p.held[claim], nil
	}
	return true, nil
}

// reassignFinalizers takes finalizers out: controllers that still want them set them again, and
// those that are gone would keep the object from ever being deleted.
func reassignFinalizers(c *changing, _ assigning) (bool, error) {
	metadata, _ := c.Content["metadata"].(map[string]any)
	if metadata["finalizers"] == nil {
		return true, nil
	}
	c.note(ruleAssigned, "metadata.finalizers",
		fmt.Sprintf("%v are left out: controllers that want them set them again", metadata["finalizers"]))
	metadata = maps.Clone(metadata)
	delete(metadata, "finalizers")
	c.Content = maps.Clone(c.Content)
	c.Content["metadata"] = metadata
	return true, nil
}
