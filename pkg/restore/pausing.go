package restore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
)

// Activation says when objects that controllers act on are released. The set is closed.
type Activation string

// The activations.
const (
	// ActivateNow releases them at the end of the same restore, if all of it succeeded.
	ActivateNow Activation = "now"
	// ActivateLater leaves them paused, until somebody releases them.
	ActivateLater Activation = "later"
)

// PausedKey is the label of objects that a restore has paused, and the annotation that holds
// what they were before. Both are written with the pause itself, and removed with it: the
// target remembers, whatever becomes of the program that restores.
const PausedKey = "restore.appbur.io/paused"

// isMarked reports whether an object has the mark of a restore, whole or not.
func isMarked(object map[string]any) bool {
	return field(object, "metadata", "labels", PausedKey) != nil || field(object, "metadata", "annotations", PausedKey) != nil
}

// Pausing is what a plan restores paused, and when that is released.
type Pausing struct {
	Activate Activation `json:"activate"`
	// Controllers have those objects that are restored paused, by who would act on them.
	Controllers []PausedFor `json:"controllers"`
}

// PausedFor are the paused objects of one controller.
type PausedFor struct {
	Controller string            `json:"controller"`
	Objects    []appbur.ObjectID `json:"objects"`
}

// Objects returns all objects that are restored paused.
func (p *Pausing) Objects() []appbur.ObjectID {
	var all []appbur.ObjectID
	if p != nil {
		for _, c := range p.Controllers {
			all = append(all, c.Objects...)
		}
	}
	return all
}

// releases reports whether a restore releases an object at its end.
func (p *Plan) releases(id appbur.ObjectID) bool {
	if p.Pausing == nil || p.Pausing.Activate != ActivateNow {
		return false
	}
	return slices.ContainsFunc(p.Pausing.Controllers, func(c PausedFor) bool { return slices.Contains(c.Objects, id) })
}

// pausing is that of the point with the objects as the target knows them, without those that
// are not written.
func (b *planner) pausing() *Pausing {
	if b.point.Pausing == nil {
		return nil
	}
	target := make(map[appbur.ObjectID]appbur.ObjectID)
	for _, d := range b.order {
		if d.apply != nil {
			target[d.saved()] = d.object.ID
		}
	}

	planned := &Pausing{Activate: b.point.Pausing.Activate}
	for _, c := range b.point.Pausing.Controllers {
		kept := PausedFor{Controller: c.Controller}
		for _, id := range c.Objects {
			if to, ok := target[id]; ok {
				kept.Objects = append(kept.Objects, to)
			}
		}
		if len(kept.Objects) > 0 {
			planned.Controllers = append(planned.Controllers, kept)
		}
	}
	if len(planned.Controllers) == 0 {
		return nil
	}
	return planned
}

// RulePause is the rule of the changes that pause an object.
const RulePause = "pause"

// isPauseConflict reports whether all fields in the way are those by which the step pauses the
// object. To pause it means to take them, and the release gives the values back.
func isPauseConflict(step *Step, err error) bool {
	var status apierrors.APIStatus
	if !isFieldConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	pausing := make(map[string]bool)
	for _, change := range step.Details().Rewritten {
		if change.Rule == RulePause {
			pausing["."+unquoted.Replace(change.Path)] = true
		}
	}

	for _, cause := range status.Status().Details.Causes {
		if !pausing[cause.Field] {
			return false
		}
	}
	return true
}

// unquoted writes a path as a server names a field.
var unquoted = strings.NewReplacer(`["`, ".", `"]`, "")

// shownPaused is how many paused objects of one controller are named.
const shownPaused = 3

// renderPausing shows what is restored paused. How each is paused is among the changes.
func (p *Plan) renderPausing(b *bytes.Buffer) {
	if p.Pausing == nil {
		return
	}
	until := "until all of this restore is done"
	if p.Pausing.Activate == ActivateLater {
		until = "until they are activated"
	}
	fmt.Fprintf(b, "\nPaused %s (%s)\n", until, objectCount(len(p.Pausing.Objects())))

	for _, c := range p.Pausing.Controllers {
		names := make([]string, 0, len(c.Objects))
		for _, id := range c.Objects {
			names = append(names, id.String())
		}
		fmt.Fprintf(b, "  %s: %s\n", c.Controller, appbur.Shortlist(names, shownPaused))
	}
}
