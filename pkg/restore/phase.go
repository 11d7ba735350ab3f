package restore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// DeclaredPhase is a part of a restore that a user keeps apart: it ends before the next one begins. The restore knows an order from
// references between objects and from what kinds are for; a phase is for what neither says: that one
// workload serves another.
type DeclaredPhase struct {
	Name string
	// Objects holds for what belongs to the phase.
	Objects func(Object) bool
	// Wait says that the next phase begins when the objects of this one are ready, and Timeout how
	// long that may take. Without it, they only have to be there.
	Wait    bool
	Timeout time.Duration
	// Condition is one that has to be true of each object besides, "" for none.
	Condition string
}

// PlannedPhase is a phase of a plan. What follows the last one is in none.
type PlannedPhase struct {
	Name      string `json:"name"`
	Wait      bool   `json:"wait"`
	Condition string `json:"condition,omitempty"`
	// Timeout is how long the objects may take to be ready.
	Timeout string `json:"timeout,omitempty"`
	// Objects are what was chosen for the phase, Needed what comes with it because they need it.
	Objects []appbur.ObjectID `json:"objects"`
	Needed  []appbur.ObjectID `json:"needed,omitempty"`
	// NotAwaited are those of the objects that are restored paused: they are ready when they are released.
	NotAwaited []appbur.ObjectID `json:"notAwaited,omitempty"`

	timeout time.Duration
}

// ErrTwoPhases is the error of an object that is chosen for two phases.
var ErrTwoPhases = errors.New("an object is in two phases")

// InPhases returns the point with the phases, each object in that which it is chosen for. Objects keep
// their phase when they are changed on their way.
func (p Point) InPhases(phases []DeclaredPhase) (Point, error) {
	p.Objects, p.Phases = p.Objects.Clone(), phases
	for i, o := range p.Objects.All() {
		place := 0
		for n, phase := range phases {
			if !phase.Objects(o) {
				continue
			}
			if place > 0 {
				return Point{}, appbur.WithHint(fmt.Errorf("%w: %s is in %s and in %s", ErrTwoPhases, o.ID, phases[place-1].Name, phase.Name),
					"choose it in one of them only")
			}
			place = n + 1
		}
		p.Objects.list[i].Phase = int32(place) //nolint:gosec // a place in a list
	}
	return p, nil
}

// PhaseCycleError is the error of phases that contradict what objects need.
type PhaseCycleError struct {
	// Links are objects, each of which needs the next one, with the phases of the first and the last.
	Links         []appbur.ObjectID
	First, Second string
}

func (e *PhaseCycleError) Error() string {
	names := make([]string, 0, len(e.Links))
	for _, id := range e.Links {
		names = append(names, id.String())
	}
	return fmt.Sprintf("the phases form a cycle with what objects need: %s, which comes in phase %s, after phase %s of %s",
		strings.Join(names, " needs "), e.Second, e.First, names[0])
}

// phaser puts the steps into phases. What the objects of a phase need comes with them, all else after
// the last phase.
type phaser struct {
	b       *planner
	objects map[*node]*draft
	// by is the step for which another one comes into its phase.
	by map[*node]*node
	// scope and needed find which references an object can do without.
	scope  *scope
	needed map[*draft][]appbur.ObjectID
	// granting are bindings by the user or group they are for; bound are those that came with an account.
	granting map[string][]*draft
	bound    map[*node]bool
}

// phase decides the phase of every step. Without phases all of them stay in the same.
func (b *planner) phase() error {
	if len(b.point.Phases) == 0 {
		return nil
	}
	p := &phaser{
		b: b, objects: make(map[*node]*draft), by: make(map[*node]*node),
		scope: scopeOf(b.order), needed: make(map[*draft][]appbur.ObjectID),
		granting: make(map[string][]*draft), bound: make(map[*node]bool),
	}
	for _, d := range b.order {
		for user := range usersOf(d) {
			p.granting[user] = append(p.granting[user], d)
		}
	}
	first := make([][]*node, len(b.point.Phases)+1)
	for _, d := range b.order {
		for _, n := range d.steps() {
			p.objects[n] = d
			if d.phase > 0 {
				n.phase = d.phase
				first[n.phase] = append(first[n.phase], n)
			}
		}
	}

	for _, nodes := range first {
		if err := p.bring(nodes); err != nil {
			return err
		}
	}
	for _, d := range b.order {
		for _, n := range d.steps() {
			if n.phase == 0 && n != d.apply && d.apply.phase > 0 {
				n.phase = d.apply.phase // what completes an object comes with it
			}
		}
		for _, n := range d.steps() {
			if n.phase == 0 {
				n.phase = len(b.point.Phases) + 1
			}
		}
	}
	p.dropIdle()
	return nil
}

// bring brings what steps of one phase need into it. What an earlier phase has is there.
func (p *phaser) bring(queue []*node) error {
	for len(queue) > 0 {
		n := queue[0]
		queue = append(queue[1:], p.grants(n)...)
		for _, e := range n.in {
			switch {
			case !p.counts(n, e), p.bound[n] && e.from.step.Object.GroupKind() == kindServiceAccount:
			case e.from.phase == 0:
				e.from.phase, p.by[e.from] = n.phase, n
				queue = append(queue, e.from)
			case e.from.phase > n.phase:
				return p.cycle(n, e.from)
			}
		}
	}
	return nil
}

// usersOf are the users and groups of accounts that a binding is for, none for other objects.
func usersOf(d *draft) map[string]bool {
	users := make(map[string]bool)
	if kind := d.object.ID.GroupKind(); d.apply == nil || kind != kindRoleBinding && kind != kindClusterRoleBinding {
		return users
	}
	for _, subject := range list(d.object.Content.Object(), "subjects") {
		if user := userOf(subject); user != "" {
			users[user] = true
		}
	}
	return users
}

// grants brings the bindings of an account: a controller that runs without its rights is not ready. What
// they grant to others is not followed.
func (p *phaser) grants(n *node) []*node {
	id := n.step.Object
	if id.GroupKind() != kindServiceAccount {
		return nil
	}
	var brought []*node
	for _, user := range []string{accountUsers + id.Namespace + ":" + id.Name, accountGroups + id.Namespace} {
		for _, binding := range p.granting[user] {
			if at := binding.apply; at.phase == 0 {
				at.phase, p.by[at], p.bound[at] = n.phase, n, true
				brought = append(brought, at)
			}
		}
	}
	return brought
}

// counts reports whether an edge is stronger than what a user says: a reference to something that is
// not needed, or that a restore brings later anyway, is not.
func (p *phaser) counts(n *node, e edge) bool {
	if e.strength != soft {
		return true
	}
	if e.from.stage > n.stage {
		return false
	}
	d, id := p.objects[n], e.from.step.Object
	if _, known := p.needed[d]; !known {
		p.needed[d] = dependencies(d.object.open(), p.scope)
	}
	return slices.Contains(p.needed[d], id) || !slices.Contains(d.references, id)
}

// cycle tells how a step came to need one of a later phase.
func (p *phaser) cycle(n, later *node) error {
	phases := p.b.point.Phases
	e := &PhaseCycleError{Second: phases[later.phase-1].Name, First: phases[n.phase-1].Name}
	links := []appbur.ObjectID{later.step.Object}
	for at := n; at != nil; at = p.by[at] {
		links = append(links, at.step.Object)
	}
	slices.Reverse(links)
	e.Links = slices.Compact(links)
	return appbur.WithHint(e, "choose what is needed for the same phase, or for an earlier one, or for none: then it comes with what needs it")
}

// dropIdle removes edges that contradict the phases and do not count.
func (p *phaser) dropIdle() {
	for n := range p.objects {
		n.in = slices.DeleteFunc(n.in, func(e edge) bool { return e.from.phase > n.phase })
	}
}

// plannedPhases are the phases as the plan tells them.
func (b *planner) plannedPhases(paused *Pausing) []PlannedPhase {
	var planned []PlannedPhase
	waiting := make(map[appbur.ObjectID]bool)
	for _, id := range paused.Objects() {
		waiting[id] = true
	}
	for n, phase := range b.point.Phases {
		one := PlannedPhase{Name: phase.Name, Wait: phase.Wait, Condition: phase.Condition, Objects: []appbur.ObjectID{}}
		if phase.Wait {
			one.Timeout, one.timeout = phase.Timeout.String(), phase.Timeout
		}
		for _, d := range b.order {
			switch {
			case d.apply == nil && !d.kept:
			case d.phase == n+1:
				one.Objects = append(one.Objects, d.object.ID)
				if phase.Wait && waiting[d.object.ID] {
					one.NotAwaited = append(one.NotAwaited, d.object.ID)
				}
			case d.apply != nil && d.first().phase == n+1:
				one.Needed = append(one.Needed, d.object.ID)
			}
		}
		planned = append(planned, one)
	}
	return planned
}

// shownInPhase is how many objects of a phase are named.
const shownInPhase = 3

// renderPhases shows in which order the phases come.
func (p *Plan) renderPhases(b *bytes.Buffer) {
	if len(p.Phases) == 0 {
		return
	}
	fmt.Fprintf(b, "\nPhases (%d), then all else\n", len(p.Phases))
	for i, phase := range p.Phases {
		what := objectCount(len(phase.Objects))
		if len(phase.Needed) > 0 {
			what += fmt.Sprintf(" and %d that they need", len(phase.Needed))
		}
		switch {
		case phase.Wait && phase.Condition != "":
			what += fmt.Sprintf("; to be ready, with condition %s, within %s", phase.Condition, phase.Timeout)
		case phase.Wait:
			what += "; to be ready within " + phase.Timeout
		}
		names := make([]string, 0, len(phase.Objects))
		for _, id := range phase.Objects {
			names = append(names, id.String())
		}
		if len(names) > 0 {
			what += ": " + appbur.Shortlist(names, shownInPhase)
		}
		fmt.Fprintf(b, "  %d. %s: %s\n", i+1, phase.Name, what)
		if len(phase.NotAwaited) > 0 {
			fmt.Fprintf(b, "      %s restored paused, and not waited for\n", objectCount(len(phase.NotAwaited)))
		}
	}
}
