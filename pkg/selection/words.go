package selection

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/appbur/appbur"
)

// Words are what a person says. The zero value means everything.
type Words struct {
	Namespaces, Kinds, Names []string
	// Labels is a label selector as kubectl takes it.
	Labels string
	// Objects are "KIND/NAME" or "KIND/NAMESPACE/NAME".
	Objects []string
	// Apps are "NAMESPACE/NAME", or a name alone. AppsAlso are those that come with other
	// words which select objects, and narrow nothing by themselves.
	Apps, AppsAlso []string

	ExcludeNamespaces, ExcludeKinds, ExcludeNames []string
	ExcludeLabels                                 string
	ExcludeApps                                   []string
}

// Part says which of the [Words] a mistake is in. The set is closed.
type Part string

// The parts of [Words].
const (
	PartNamespace        Part = "namespace"
	PartKind             Part = "kind"
	PartName             Part = "name"
	PartLabels           Part = "selector"
	PartObject           Part = "object"
	PartApp              Part = "app"
	PartExcludeNamespace Part = "exclude-namespace"
	PartExcludeKind      Part = "exclude-kind"
	PartExcludeName      Part = "exclude-name"
	PartExcludeLabels    Part = "exclude-selector"
	PartExcludeApp       Part = "exclude-app"
)

// ErrMalformed is the error of a word that can mean nothing.
var ErrMalformed = errors.New("not understood")

// WordError is what is wrong with one word.
type WordError struct {
	Part Part
	Word string
	// Known are the words that would match something, for a suggestion.
	Known []string
	// Kinds are those that the word means, when it is more than one.
	Kinds []appbur.GroupKind
	// Namespaces are those that have an object of the name, when it is more than one.
	Namespaces []string
	err        error
}

// Error says what is wrong without the part, which the caller calls by its own name.
func (e *WordError) Error() string { return fmt.Sprintf("%q: %v", e.Word, e.err) }

// Unwrap returns [ErrMalformed], [ErrNoMatch] or [ErrAmbiguous].
func (e *WordError) Unwrap() error { return e.err }

// Selector is a selection as it was said: well formed, and not yet compared with objects.
type Selector struct {
	include, exclude criteria
	objects          []objectName
	appsAlso         []string
}

// criteria are lists of patterns; of each list that is not empty one has to match.
type criteria struct {
	namespaces, names, apps []string
	kinds                   []kindPattern
	labels                  labels.Selector
	labelsText              string
}

// Parse reads the words.
func Parse(w Words) (Selector, error) {
	var s Selector
	for _, list := range []struct {
		part     Part
		patterns []string
		into     *[]string
	}{
		{PartNamespace, w.Namespaces, &s.include.namespaces},
		{PartName, w.Names, &s.include.names},
		{PartApp, w.Apps, &s.include.apps},
		{PartExcludeNamespace, w.ExcludeNamespaces, &s.exclude.namespaces},
		{PartExcludeName, w.ExcludeNames, &s.exclude.names},
		{PartExcludeApp, w.ExcludeApps, &s.exclude.apps},
	} {
		for _, pattern := range list.patterns {
			if err := checkPattern(pattern); err != nil {
				return Selector{}, &WordError{Part: list.part, Word: pattern, err: err}
			}
		}
		*list.into = unique(list.patterns)
	}

	var err error
	if s.include.kinds, err = parseKinds(PartKind, w.Kinds); err != nil {
		return Selector{}, err
	}
	if s.exclude.kinds, err = parseKinds(PartExcludeKind, w.ExcludeKinds); err != nil {
		return Selector{}, err
	}
	if err := s.include.setLabels(PartLabels, w.Labels); err != nil {
		return Selector{}, err
	}
	if err := s.exclude.setLabels(PartExcludeLabels, w.ExcludeLabels); err != nil {
		return Selector{}, err
	}

	for _, text := range unique(w.Objects) {
		object, err := parseObject(text)
		if err != nil {
			return Selector{}, err
		}
		s.objects = append(s.objects, object)
	}
	s.appsAlso = unique(w.AppsAlso)
	return s, nil
}

func (c *criteria) setLabels(part Part, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	selector, err := labels.Parse(text, field.WithPath(field.NewPath("labels")))
	if err != nil {
		return &WordError{Part: part, Word: text, err: fmt.Errorf("%w: %w", ErrMalformed, err)}
	}
	c.labels, c.labelsText = selector, selector.String()
	return nil
}

func checkPattern(pattern string) error {
	if strings.TrimSpace(pattern) == "" {
		return fmt.Errorf("%w: it is empty", ErrMalformed)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// unique sorts, so that the order of words does not matter.
func unique(words []string) []string { return slices.Compact(slices.Sorted(slices.Values(words))) }

// Everything reports whether nothing is left out.
func (s Selector) Everything() bool { return s.String() == everything }

const everything = "everything"

// String says the selection in one line, such as "namespace team-a, kind deployment".
func (s Selector) String() string {
	parts := s.include.describe("")
	if len(s.objects) > 0 {
		texts := make([]string, len(s.objects))
		for i, o := range s.objects {
			texts[i] = o.text
		}
		parts = append([]string{strings.Join(texts, " or ")}, parts...)
	}
	if len(parts) == 0 {
		parts = []string{everything}
	}
	return strings.Join(append(parts, s.exclude.describe("without ")...), ", ")
}

func (c criteria) describe(before string) []string {
	var parts []string
	add := func(what string, words []string) {
		if len(words) > 0 {
			parts = append(parts, before+what+" "+strings.Join(words, " or "))
		}
	}

	kinds := make([]string, len(c.kinds))
	for i, k := range c.kinds {
		kinds[i] = k.text
	}
	add("namespace", c.namespaces)
	add("kind", kinds)
	add("name", c.names)
	if c.labelsText != "" {
		add("labels", []string{c.labelsText})
	}
	add("application", c.apps)
	return parts
}
