package pause

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
)

// Pauses say what of a restore point is restored paused.
type Pauses struct {
	// Rules of users; they come before those of [Rules].
	Rules []Rule
	// Activate is when what is paused is released.
	Activate restore.Activation
	// Running pauses objects that the target has and that are not paused there, too.
	Running bool
}

// Target is what the target has of the objects of a point, by their ids in the point. What it does
// not have is created: paused.
type Target struct {
	// Running objects are there, and no restore has paused them. They are left running.
	Running map[appbur.ObjectID]bool
	// Waiting objects were paused by an earlier restore and are not released yet; the texts are
	// those of their annotation [restore.PausedKey].
	Waiting map[appbur.ObjectID]string
	// Resumed objects have the mark of an earlier restore as well, but somebody has released
	// them by other means. They are left running.
	Resumed map[appbur.ObjectID]string
}

// Affected returns the objects of a point that a rule is about.
func (p Pauses) Affected(point restore.Point) []restore.Object {
	var affected []restore.Object
	rules := p.ruleBook(point)
	for i, id := range point.Objects.IDs() {
		if len(rules.of(id.GroupKind())) == 0 {
			continue
		}
		o := point.Objects.At(i)
		if rule, ok := rules.about(o); ok && len(rule.Set) > 0 {
			affected = append(affected, o)
		}
	}
	return affected
}

// AsBefore returns a point without the marks of restores: what was paused while it was saved is as it
// was before.
func AsBefore(point restore.Point) restore.Point {
	after := make(map[int]restore.Object)
	for i := range point.Objects.IDs() {
		if !point.Objects.Marked(i) {
			continue
		}
		o := point.Objects.At(i)
		if m, found, err := markOf(o.Content); found && err == nil && !judged[o.ID.Group] {
			o.Content = unmarked(o.Content, m)
			after[i] = o
		}
	}
	point.Objects = point.Objects.With(after)
	return point
}

// Apply returns the point with its objects paused. An object that was paused while it was saved is
// first made what it was before, so that a point taken from a half-restored cluster is as good as
// any other.
func (p Pauses) Apply(point restore.Point, t Target) (restore.Point, error) {
	changed := AsBefore(point)
	pausing := &restore.Pausing{Activate: p.Activate}
	running, unpausable := make(map[string][]string), make(map[string][]string) // by controller
	rules, after := p.ruleBook(point), make(map[int]restore.Object)

	for i, id := range changed.Objects.IDs() {
		if !rules.concerns(id, t) {
			continue
		}
		o := changed.Objects.At(i)
		if text, resumed := t.Resumed[o.ID]; resumed {
			o.Content = marked(o.Content, text)
			after[i] = o
			continue
		}
		rule, waits, ok := rules.pausing(o, t)
		if !ok {
			continue
		}
		if len(rule.Set) == 0 {
			unpausable[rule.Controller] = append(unpausable[rule.Controller], o.ID.String())
			continue
		}

		held, paused, err := rule.pause(o, waits)
		if err != nil {
			return restore.Point{}, fmt.Errorf("pausing %s: %w", o.ID, err)
		}
		switch {
		case !paused: // it was paused in the source, and stays so
		case t.Running[o.ID] && !waits && !p.Running:
			running[rule.Controller] = append(running[rule.Controller], o.ID.String())
		default:
			after[i] = held
			add(pausing, rule.Controller, o.ID)
		}
	}

	changed.Objects = changed.Objects.With(after)
	changed.Notes = slices.Concat(point.Notes,
		notes(running, "not paused, because the target has them and they run there: their controller may act while this restore goes on"),
		notes(unpausable, "not paused, because the definition of their kind has no field for it, or the field is secret"))
	if len(pausing.Controllers) > 0 {
		slices.SortFunc(pausing.Controllers, func(a, b restore.PausedFor) int { return strings.Compare(a.Controller, b.Controller) })
		for _, c := range pausing.Controllers {
			slices.SortFunc(c.Objects, appbur.ObjectID.Compare)
		}
		changed.Pausing = pausing
	}
	return changed, nil
}

func add(p *restore.Pausing, controller string, id appbur.ObjectID) {
	at := slices.IndexFunc(p.Controllers, func(c restore.PausedFor) bool { return c.Controller == controller })
	if at < 0 {
		at = len(p.Controllers)
		p.Controllers = append(p.Controllers, restore.PausedFor{Controller: controller})
	}
	p.Controllers[at].Objects = append(p.Controllers[at].Objects, id)
}

// shownRunning is how many objects of one controller a note names.
const shownRunning = 3

func notes(objects map[string][]string, what string) []restore.Note {
	var list []restore.Note
	for controller, names := range objects {
		slices.Sort(names)
		list = append(list, restore.Note{Kind: restore.NoteRunning, What: fmt.Sprintf(
			"%s (%s of %s): %s", what, countedObjects(len(names)), controller, appbur.Shortlist(names, shownRunning))})
	}
	return list
}

func countedObjects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}

// pause returns a paused object with its mark. It reports false for one that was paused by others,
// unless the mark is wanted in any case.
func (r Rule) pause(o restore.Object, always bool) (restore.Object, bool, error) {
	m, paused := r.mark(o, always)
	if !paused {
		return o, false, nil
	}
	text, err := m.encode()
	if err != nil {
		return o, false, err
	}

	after := o
	after.Rewritten = slices.Clone(o.Rewritten)
	for _, s := range r.Set {
		was := lookup(o.Content, s.Path)
		if same(was, s.To) && !always {
			continue
		}
		after.Content = put(after.Content, s.Path, s.To)
		if !same(was, s.To) {
			after.Rewritten = append(after.Rewritten, compat.Change{Rule: restore.RulePause, Path: joined(s.Path), What: r.says(s)})
		}
	}
	after.Content = marked(after.Content, text)
	return after, true, nil
}

// mark is what a paused object remembers. It reports false for one that was paused by others, unless the mark is wanted
// in any case.
func (r Rule) mark(o restore.Object, always bool) (mark, bool) {
	m := mark{Controller: r.Controller, Stage: r.Stage, Await: r.Await}
	for _, s := range r.Set {
		if was := lookup(o.Content, s.Path); always || !same(was, s.To) {
			m.Fields = append(m.Fields, s.keep(o.Content, was))
		}
	}
	return m, len(m.Fields) > 0
}

func marked(content map[string]any, text string) map[string]any {
	content = put(content, []string{"metadata", "labels", restore.PausedKey}, "true")
	return put(content, []string{"metadata", "annotations", restore.PausedKey}, text)
}

// keep remembers a field. Where what it lies in is not there either, that is what comes and goes: a
// release leaves no empty map behind.
func (s Setting) keep(content map[string]any, was any) kept {
	k := kept{Path: s.Path, Paused: s.To, Was: was}
	for s.To != nil && len(k.Path) > 1 && k.Path[0] != "metadata" && lookup(content, k.Path[:len(k.Path)-1]) == nil {
		last := len(k.Path) - 1
		k.Path, k.Paused = k.Path[:last], map[string]any{k.Path[last]: k.Paused}
	}
	return k
}

func (r Rule) says(s Setting) string {
	if s.To == nil {
		return fmt.Sprintf("is left out until it is activated: %s", r.Reason)
	}
	return fmt.Sprintf("is %v until it is activated: %s", s.To, r.Reason)
}
