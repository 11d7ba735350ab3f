package selection

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/appbur/appbur"
)

// resolver knows what there is.
type resolver struct {
	objects []Object
	apps    []appbur.AppKey
	kinds   []appbur.GroupKind // sorted, each once
	names   map[appbur.GroupKind][]string
}

// kindsOf returns the kinds that the words mean, nil for no words.
func (r resolver) kindsOf(part Part, words []kindPattern) (map[appbur.GroupKind]bool, error) {
	if len(words) == 0 {
		return nil, nil
	}
	meant := make(map[appbur.GroupKind]bool)
	for _, word := range words {
		var fitting []appbur.GroupKind
		for _, gk := range r.kinds {
			if word.fits(gk, r.names[gk]) {
				fitting = append(fitting, gk)
			}
		}
		if word.pattern == "" {
			var err error
			if fitting, err = oneKind(part, word.text, word.name.Grouped(), fitting); err != nil {
				return nil, err
			}
		}

		if len(fitting) == 0 {
			return nil, &WordError{Part: part, Word: word.text, Known: kindWords(r.kinds), err: ErrNoMatch}
		}
		for _, gk := range fitting {
			meant[gk] = true
		}
	}
	return meant, nil
}

// oneKind keeps the kind that a name means. Of several the core group's is meant, as
// kubectl has it.
func oneKind(part Part, word string, grouped bool, fitting []appbur.GroupKind) ([]appbur.GroupKind, error) {
	if len(fitting) <= 1 {
		return fitting, nil
	}
	if !grouped && fitting[0].Group == "" {
		return fitting[:1], nil
	}
	return nil, &WordError{Part: part, Word: word, Kinds: fitting, err: ErrAmbiguous}
}

// named finds the objects that are named one by one, nil if none is.
func (r resolver) named(s Selector) (map[appbur.ObjectID]bool, error) {
	if len(s.objects) == 0 {
		return nil, nil
	}
	meant := make(map[appbur.ObjectID]bool)
	for _, word := range s.objects {
		found, err := r.object(word, s.include.namespaces)
		if err != nil {
			return nil, err
		}
		meant[found] = true
	}
	return meant, nil
}

// object finds the one object that is meant.
func (r resolver) object(word objectName, namespaces []string) (appbur.ObjectID, error) {
	var found []appbur.ObjectID
	var kinds []appbur.GroupKind
	var others []string

	for _, o := range r.objects {
		if !word.kind.Fits(o.ID.GroupKind(), r.names[o.ID.GroupKind()]...) {
			continue
		}
		inNamespace := word.namespace == "" || word.namespace == o.ID.Namespace
		if o.ID.Name != word.name || !inNamespace || len(namespaces) > 0 && !anyMatches(namespaces, namespaceOf(o.ID)) {
			others = append(others, o.ID.Name)
			continue
		}
		if slices.Contains(found, o.ID) {
			continue // of another point
		}
		found = append(found, o.ID)
		kinds = append(kinds, o.ID.GroupKind())
	}

	slices.SortFunc(kinds, appbur.GroupKind.Compare)
	meant, err := oneKind(PartObject, word.text, word.kind.Grouped(), slices.Compact(kinds))
	if err != nil {
		return appbur.ObjectID{}, err
	}
	found = slices.DeleteFunc(found, func(id appbur.ObjectID) bool { return !slices.Contains(meant, id.GroupKind()) })
	switch {
	case len(found) == 0:
		return appbur.ObjectID{}, &WordError{Part: PartObject, Word: word.text, Known: r.knownObjects(word, others), err: ErrNoMatch}
	case len(found) > 1:
		in := make(map[string]bool)
		for _, id := range found {
			in[id.Namespace] = true
		}
		return appbur.ObjectID{}, &WordError{Part: PartObject, Word: word.text, Namespaces: slices.Sorted(maps.Keys(in)), err: ErrAmbiguous}
	}
	return found[0], nil
}

// knownObjects are the objects that a word might have been meant for: those of its kind,
// or the name with another kind.
func (r resolver) knownObjects(word objectName, others []string) []string {
	rest := word.text[len(word.kind.String()):]
	known := make([]string, 0, len(others))
	for _, name := range others {
		known = append(known, word.kind.String()+"/"+name)
	}
	if len(known) == 0 {
		for _, kind := range kindWords(r.kinds) {
			known = append(known, kind+rest)
		}
	}
	return unique(known)
}

func kindWords(kinds []appbur.GroupKind) []string {
	names := make([]string, 0, 2*len(kinds))
	for _, gk := range kinds {
		names = append(names, strings.ToLower(gk.Kind), strings.ToLower(gk.String()))
	}
	return unique(names)
}

// matched refuses the first pattern that matches nothing.
func (r resolver) matched(c criteria, namespace, name, label, app Part) error {
	var namespaces, names []string
	for _, o := range r.objects {
		names = append(names, o.ID.Name)
		if in := namespaceOf(o.ID); in != "" {
			namespaces = append(namespaces, in)
		}
	}
	for _, a := range r.apps {
		namespaces = append(namespaces, a.Namespace)
	}
	namespaces, names = unique(namespaces), unique(names)

	if err := each(namespace, c.namespaces, namespaces); err != nil {
		return err
	}
	if err := each(name, c.names, names); err != nil {
		return err
	}
	for _, pattern := range c.apps {
		if slices.ContainsFunc(r.apps, func(a appbur.AppKey) bool { return anyApp([]string{pattern}, a) }) {
			continue
		}
		var known []string
		for _, a := range r.apps {
			known = append(known, a.String(), a.Name)
		}
		return &WordError{Part: app, Word: pattern, Known: known, err: ErrNoMatch}
	}
	if c.labels == nil || slices.ContainsFunc(r.objects, func(o Object) bool { return c.labels.Matches(labels.Set(o.Labels)) }) {
		return nil
	}
	return &WordError{Part: label, Word: c.labelsText, err: ErrNoMatch}
}

func each(part Part, patterns, texts []string) error {
	for _, pattern := range patterns {
		if !slices.ContainsFunc(texts, func(text string) bool { return matches(pattern, text) }) {
			return &WordError{Part: part, Word: pattern, Known: texts, err: ErrNoMatch}
		}
	}
	return nil
}
