package selection

import (
	"errors"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/appbur/appbur"
)

// ErrNoMatch is the error of a word that matches nothing in the restore point.
var ErrNoMatch = errors.New("nothing in the restore point matches")

// ErrAmbiguous is the error of a word that means more than one thing.
var ErrAmbiguous = errors.New("more than one is meant")

// Object is what a selection looks at.
type Object struct {
	ID     appbur.ObjectID
	Labels map[string]string
}

// kindNamespace is the kind that a namespace selects along with what is in it.
var kindNamespace = appbur.GroupKind{Kind: "Namespace"}

// Selection is a [Selector] of which every word is known to mean something.
type Selection struct {
	selector Selector
	// include and exclude are the kinds that the words for kinds mean, objects those that
	// are named one by one.
	include, exclude map[appbur.GroupKind]bool
	objects          map[appbur.ObjectID]bool
	idle             []WordError
}

// Resolve finds what the words mean among these objects and applications. The error is a
// [WordError].
func (s Selector) Resolve(objects []Object, apps []appbur.AppKey, resources []Resource) (Selection, error) {
	r := resolver{objects: objects, apps: apps, names: make(map[appbur.GroupKind][]string)}
	for _, resource := range resources {
		r.names[resource.Kind] = append(r.names[resource.Kind], resource.Names...)
	}
	for _, o := range objects {
		r.kinds = append(r.kinds, o.ID.GroupKind())
	}
	slices.SortFunc(r.kinds, appbur.GroupKind.Compare)
	r.kinds = slices.Compact(r.kinds)

	found := Selection{selector: s}
	var err error
	if found.include, err = r.kindsOf(PartKind, s.include.kinds); err != nil {
		return Selection{}, err
	}
	if found.objects, err = r.named(s); err != nil {
		return Selection{}, err
	}
	if err := r.matched(s.include, PartNamespace, PartName, PartLabels, PartApp); err != nil {
		return Selection{}, err
	}

	// An exclusion that excludes nothing is no reason not to begin: a script has it for all points.
	for _, kind := range s.exclude.kinds {
		kinds, err := r.kindsOf(PartExcludeKind, []kindPattern{kind})
		var word *WordError
		switch {
		case errors.As(err, &word) && errors.Is(err, ErrNoMatch):
			found.idle = append(found.idle, *word)
		case err != nil:
			return Selection{}, err
		default:
			if found.exclude == nil {
				found.exclude = make(map[appbur.GroupKind]bool)
			}
			maps.Copy(found.exclude, kinds)
		}
	}
	for _, one := range s.exclude.split() {
		var word *WordError
		if errors.As(r.matched(one, PartExcludeNamespace, PartExcludeName, PartExcludeLabels, PartExcludeApp), &word) {
			found.idle = append(found.idle, *word)
		}
	}
	return found, nil
}

// split makes criteria of one pattern each.
func (c criteria) split() []criteria {
	var all []criteria
	for _, namespace := range c.namespaces {
		all = append(all, criteria{namespaces: []string{namespace}})
	}
	for _, name := range c.names {
		all = append(all, criteria{names: []string{name}})
	}
	for _, app := range c.apps {
		all = append(all, criteria{apps: []string{app}})
	}
	if c.labels != nil {
		all = append(all, criteria{labels: c.labels, labelsText: c.labelsText})
	}
	return all
}

// String says the selection as it was said.
func (s Selection) String() string { return s.selector.String() }

// Idle are the exclusions that match nothing in the restore point.
func (s Selection) Idle() []WordError { return s.idle }

// Holds reports whether the object is selected.
func (s Selection) Holds(o Object) bool {
	in, out := s.selector.include, s.selector.exclude
	switch {
	case s.exclude[o.ID.GroupKind()] || anyMatches(out.namespaces, namespaceOf(o.ID)) || anyMatches(out.names, o.ID.Name):
		return false
	case out.labels != nil && out.labels.Matches(labels.Set(o.Labels)):
		return false
	case s.objects != nil && !s.objects[o.ID], s.include != nil && !s.include[o.ID.GroupKind()]:
		return false
	case len(in.namespaces) > 0 && !anyMatches(in.namespaces, namespaceOf(o.ID)):
		return false
	case len(in.names) > 0 && !anyMatches(in.names, o.ID.Name):
		return false
	case in.labels != nil && !in.labels.Matches(labels.Set(o.Labels)):
		return false
	}
	return !s.onlyApps()
}

// onlyApps reports whether applications are all that the words select.
func (s Selection) onlyApps() bool {
	in := s.selector.include
	return len(in.apps) > 0 && !s.narrows() && len(in.namespaces) == 0
}

// narrows reports whether the words select among the objects of a namespace.
func (s Selection) narrows() bool {
	in := s.selector.include
	return s.objects != nil || s.include != nil || len(in.names) > 0 || in.labels != nil
}

// HoldsApp reports whether the state of the application is selected: by its name, by its
// namespace, or along with objects that are selected by their kinds, names or labels.
func (s Selection) HoldsApp(app appbur.AppKey) bool {
	in, out := s.selector.include, s.selector.exclude
	if anyMatches(out.namespaces, app.Namespace) || anyApp(out.apps, app) {
		return false
	}
	named := anyApp(in.apps, app) || anyApp(s.selector.appsAlso, app)
	if len(in.apps) > 0 || s.narrows() {
		return named
	}
	return len(in.namespaces) == 0 || anyMatches(in.namespaces, app.Namespace) || named
}

// anyApp matches "NAMESPACE/NAME" part by part, and a name alone in any namespace.
func anyApp(patterns []string, app appbur.AppKey) bool {
	return slices.ContainsFunc(patterns, app.Matches)
}

// namespaceOf is the namespace that selects the object, "" for none.
func namespaceOf(id appbur.ObjectID) string {
	if id.GroupKind() == kindNamespace {
		return id.Name
	}
	return id.Namespace
}
