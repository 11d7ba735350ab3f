package restore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// AppAfter says that an application gets its state after others, and only if they got theirs.
type AppAfter struct {
	App   appbur.AppKey   `json:"app"`
	After []appbur.AppKey `json:"after"`
}

// AppCycleError is the error of applications that wait for one another.
type AppCycleError struct {
	// Cycle has each after the one behind it; the last is the first again.
	Cycle []appbur.AppKey
}

// Error names the applications.
func (e *AppCycleError) Error() string {
	names := make([]string, len(e.Cycle))
	for i, app := range e.Cycle {
		names[i] = app.String()
	}
	return "applications wait for one another: " + strings.Join(names, " after ")
}

// OrderApps puts the applications of the plan into an order in which each comes after those that
// it waits for, and else in that of their names. The error is an [AppCycleError]. One that waits
// for an application without state in the plan does not wait for it; a note says so.
func (p *Plan) OrderApps(after map[appbur.AppKey][]appbur.AppKey) error {
	byKey := make(map[appbur.AppKey]appbur.AppState, len(p.Apps))
	for _, app := range p.Apps {
		byKey[app.AppKey] = app
	}
	o := appOrder{after: make(map[appbur.AppKey][]appbur.AppKey), state: make(map[appbur.AppKey]visit)}

	var rules []AppAfter
	for _, app := range p.Apps {
		var awaited []appbur.AppKey
		for _, other := range after[app.AppKey] {
			if _, planned := byKey[other]; planned {
				awaited = append(awaited, other)
				continue
			}
			p.Notes = append(p.Notes, Note{Kind: NoteApplication, What: fmt.Sprintf(
				"the application %s comes after %s, whose state is not restored: it is not waited for", app.AppKey, other)})
		}
		if len(awaited) == 0 {
			continue
		}
		slices.SortFunc(awaited, appbur.AppKey.Compare)
		o.after[app.AppKey] = slices.Compact(awaited)
		rules = append(rules, AppAfter{app.AppKey, o.after[app.AppKey]})
	}

	for _, app := range p.Apps {
		if err := o.visit(app.AppKey); err != nil {
			return err
		}
	}
	ordered := make([]appbur.AppState, 0, len(p.Apps))
	for _, key := range o.order {
		ordered = append(ordered, byKey[key])
	}
	p.Apps, p.AppsAfter = ordered, rules
	return nil
}

type visit int

const (
	unvisited visit = iota
	visiting
	visited
)

// appOrder is a depth-first search.
type appOrder struct {
	after map[appbur.AppKey][]appbur.AppKey
	state map[appbur.AppKey]visit
	path  []appbur.AppKey
	order []appbur.AppKey
}

func (o *appOrder) visit(key appbur.AppKey) error {
	switch o.state[key] {
	case visited:
		return nil
	case visiting:
		cycle := slices.Clone(o.path[slices.Index(o.path, key):])
		return &AppCycleError{append(cycle, key)}
	case unvisited:
	}
	o.state[key] = visiting
	o.path = append(o.path, key)
	for _, other := range o.after[key] {
		if err := o.visit(other); err != nil {
			return err
		}
	}

	o.path = o.path[:len(o.path)-1]
	o.state[key] = visited
	o.order = append(o.order, key)
	return nil
}

// awaited are the applications that another one comes after.
func (p *Plan) awaited(app appbur.AppKey) []appbur.AppKey {
	for _, rule := range p.AppsAfter {
		if rule.App == app {
			return rule.After
		}
	}
	return nil
}

// appLine says one application of the plan for people.
func (p *Plan) appLine(app appbur.AppState) string {
	line := fmt.Sprintf("%s: %s %s, %d datasets", app.AppKey, app.App, app.Version, len(app.Datasets))
	if awaited := p.awaited(app.AppKey); len(awaited) > 0 {
		names := make([]string, len(awaited))
		for i, other := range awaited {
			names[i] = other.String()
		}
		line += ", after " + strings.Join(names, ", ")
	}
	return line
}
