package overlay

import (
	"encoding/base64"
	"slices"
	"strings"
)

// shortestSecret is how long a value must be to be looked for: shorter ones are parts of words.
const shortestSecret = 4

// withoutSecrets returns a text of kustomize without the values of the Secrets that it has.
func (a *application) withoutSecrets(text string) string {
	var values []string
	for i, o := range a.point.Objects.All() {
		if !a.given[i] {
			continue
		}
		paths := o.Secrets
		if o.ID.Kind == "Secret" && o.ID.Group == "" {
			paths = append([][]string{{"data"}, {"stringData"}}, paths...)
		}
		for _, path := range paths {
			values = texts(below(o.Content, path), values)
		}
	}

	// A value can be a part of another one: the longer goes first.
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	for _, value := range slices.Compact(values) {
		text = strings.ReplaceAll(text, value, "(secret)")
	}
	return text
}

// below returns what is at a path; lists on the way have no key.
func below(value any, path []string) any {
	for i, key := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			var all []any
			for _, inner := range v {
				all = append(all, below(inner, path[i:]))
			}
			return all
		default:
			return nil
		}
	}
	return value
}

func texts(value any, list []string) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			list = texts(inner, list)
		}
	case []any:
		for _, inner := range v {
			list = texts(inner, list)
		}
	case string:
		if len(v) >= shortestSecret {
			list = append(list, v)
		}
		if decoded, err := base64.StdEncoding.DecodeString(v); err == nil && len(decoded) >= shortestSecret {
			list = append(list, string(decoded))
		}
	}
	return list
}
