package restore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// shownAlike is how many objects are named of which the same is said.
const shownAlike = 3

// line is what a section says of one object.
type line struct {
	object  appbur.ObjectID
	what    string
	details []string
}

// renderSteps writes a section of steps, with what becomes of each.
func renderSteps(b *page, title string, steps []*Step) {
	lines := make([]line, len(steps))
	for i, s := range steps {
		lines[i] = s.line()
	}
	renderLines(b, title, lines)
}

func (s *Step) line() line {
	l, d := line{object: s.Object, what: s.Why}, s.Details()
	if d.From != "" {
		l.what = d.From + " becomes " + s.APIVersion
	}

	for _, change := range d.Changes {
		if change.Path == "apiVersion" && d.From != "" {
			continue // it is in the line itself
		}
		lost := ""
		if change.Lost {
			lost = " (lost)"
		}
		l.details = append(l.details, fmt.Sprintf("%s: %s%s", change.Path, change.What, lost))
	}
	if len(d.Refusals) > 1 || d.From != "" {
		for _, refusal := range d.Refusals {
			l.details = append(l.details, refusal.String())
		}
	}
	if d.Hint != "" {
		l.details = append(l.details, "hint: "+d.Hint)
	}
	return l
}

// alike are the lines of one kind that say the same, but for positions in lists.
type alike struct {
	kind  appbur.GroupKind
	lines []line
}

// renderLines writes a section: what is said of few objects first, because it is what a person
// looks for, and what is said of many once for all of them.
func renderLines(b *page, title string, lines []line) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s (%d)\n", title, len(lines))
	shown, left := 0, 0
	for _, group := range groupLines(lines) {
		if shown >= shownPerSection {
			left += len(group.lines)
			continue
		}
		if len(group.lines) > shownAlike {
			group.render(b)
			shown++
			continue
		}
		for _, l := range group.lines {
			if shown++; shown > shownPerSection {
				left++
				continue
			}
			l.render(b)
		}
	}
	if left > 0 {
		b.more(left, "")
	}
}

// groupLines brings together what is said of several objects of one kind.
func groupLines(lines []line) []*alike {
	slices.SortStableFunc(lines, func(x, y line) int {
		return cmp.Or(x.object.GroupKind().Compare(y.object.GroupKind()), x.object.Compare(y.object))
	})
	known := make(map[string]*alike)
	var groups []*alike
	for _, l := range lines {
		key := l.object.GroupKind().String() + "\n" + position.ReplaceAllString(l.what+"\n"+strings.Join(l.details, "\n"), "[]")
		group := known[key]
		if group == nil {
			group = &alike{kind: l.object.GroupKind()}
			known[key], groups = group, append(groups, group)
		}
		group.lines = append(group.lines, l)
	}

	slices.SortStableFunc(groups, func(x, y *alike) int {
		return cmp.Compare(max(len(x.lines), shownAlike), max(len(y.lines), shownAlike)) // few are named one by one, by kind
	})
	return groups
}

func (l line) render(b *page) {
	fmt.Fprintf(b, "  %s: %s\n", l.object, l.what)
	for _, detail := range l.details {
		fmt.Fprintf(b, "      %s\n", detail)
	}
}

func (a *alike) render(b *page) {
	first := a.lines[0]
	fmt.Fprintf(b, "  %s %s: %s\n", count(len(a.lines)), a.kind, position.ReplaceAllString(first.what, "[]"))
	var last string
	for _, detail := range first.details {
		if detail = position.ReplaceAllString(detail, "[]"); detail != last {
			fmt.Fprintf(b, "      %s\n", detail)
		}
		last = detail
	}

	ids := make([]appbur.ObjectID, len(a.lines))
	for i, l := range a.lines {
		ids[i] = l.object
	}
	fmt.Fprintf(b, "      in %s\n", shortNames(ids))
	b.cut = true
}

// shortNames names some objects whose kind is said already.
func shortNames(ids []appbur.ObjectID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.Name
		if id.Namespace != "" {
			names[i] = id.Namespace + "/" + id.Name
		}
	}
	return appbur.Shortlist(names, shownAlike)
}
