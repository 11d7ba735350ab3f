package selection

import (
	"path"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/kindname"
)

// Resource is what a CustomResourceDefinition calls its kind besides: the plural, the
// singular and the short names, in lower case.
type Resource struct {
	Kind  appbur.GroupKind
	Names []string
}

// kindPattern is one word for kinds: a name, or a pattern for names.
type kindPattern struct {
	text    string
	name    kindname.Name
	pattern string // in lower case, "" for a name
}

func parseKinds(part Part, words []string) ([]kindPattern, error) {
	var kinds []kindPattern
	for _, word := range unique(words) {
		if err := checkPattern(word); err != nil {
			return nil, &WordError{Part: part, Word: word, err: err}
		}
		k := kindPattern{text: word, name: kindname.Parse(word)}
		if strings.ContainsAny(word, "*?[") {
			k.pattern = strings.ToLower(word)
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// fits reports whether the kind has the name, or one that the pattern matches: of its kind
// or resource, with the group if the pattern has a dot.
func (k kindPattern) fits(gk appbur.GroupKind, names []string) bool {
	if k.pattern == "" {
		return k.name.Fits(gk, names...)
	}
	return slices.ContainsFunc(append([]string{strings.ToLower(gk.Kind)}, names...), func(name string) bool {
		full := name
		if gk.Group != "" {
			full += "." + gk.Group
		}
		return matches(k.pattern, full) || !strings.Contains(k.pattern, ".") && matches(k.pattern, name)
	})
}

// matches is path.Match of a pattern that [Parse] accepted, and of a text without a slash.
func matches(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

func anyMatches(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, text) })
}
