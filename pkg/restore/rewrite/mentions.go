package rewrite

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/appbur/appbur"
)

// mentions finds the old names of namespaces in texts whose meaning nobody knows.
type mentions struct {
	to map[string]string
	// inText is what names a namespace within a longer text.
	inText *regexp.Regexp
}

func newMentions(n Namespaces) mentions {
	var names []string
	for _, name := range n.Old() {
		names = append(names, regexp.QuoteMeta(name))
	}
	const end = "(?:$|[^-a-z0-9])"
	name := "(" + strings.Join(names, "|") + ")"
	return mentions{to: n.to, inText: regexp.MustCompile(strings.Join([]string{
		`[a-z0-9]\.` + name + `\.(?:svc|pod)` + end, // a DNS name
		`system:serviceaccounts?:` + name + end,
		`(?i:namespaces?)["']?\s*[=:]=?~?\s*["']?` + name + end, // --namespace=a, namespace: a, namespace="a"
		`(?:^|\s)-n[\s=]` + name + end,
	}, "|"))}
}

// any reports whether some text of a value contains one of the names at all.
func (m mentions) any(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			if m.any(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, m.any)
	case string:
		return m.text(v)
	}
	return false
}

// text reports whether a text contains one of the names.
func (m mentions) text(text string) bool {
	for name := range m.to {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// spots finds all texts that contain one of the names. What it visits must not be written.
func (m mentions) spots(value any, s spot, found func(spot)) {
	switch v := value.(type) {
	case map[string]any:
		inner := s
		inner.around = append(s.around[:len(s.around):len(s.around)], v)
		for key, below := range v {
			inner.trail = &trail{up: s.trail, key: key}
			m.spots(below, inner, found)
		}
	case []any:
		inner := s
		for i, below := range v {
			inner.trail = &trail{up: s.trail, element: true, index: i}
			m.spots(below, inner, found)
		}
	case string:
		if m.text(v) {
			s.value = v
			found(s)
		}
	}
}

// lastApplied is what kubectl compares with; it says the namespace that kubectl is told again.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// shownMentions is how many fields of one object a note names.
const shownMentions = 4

// tell notes what in an object may mean an old namespace and was not changed.
func (m *mapping) tell(c *changing, moved bool) {
	if moved && c.ID.GroupKind() == kindSecret && text(c.Content, "type") == "helm.sh/release.v1" {
		m.note(c.ID, "the record of a Helm release says its old namespace inside; helm in the new one works on it, as far as it does not say it")
		return
	}

	// What is said to the original stays true while that is there.
	names := maps.Clone(m.to)
	if !moved {
		maps.DeleteFunc(names, func(name, _ string) bool { return m.beside[name] })
	}
	if len(names) == 0 {
		return
	}
	var places []string
	s := search{mentions: m.mentions, names: names, done: c.done, secret: c.ID.GroupKind() == kindSecret}
	for _, key := range slices.Sorted(maps.Keys(c.Content)) {
		if key != "status" && key != "kind" && key != "apiVersion" {
			places = s.in(c.Content[key], place{at: key, key: key}, places)
		}
	}
	if len(places) > 0 {
		m.note(c.ID, "not changed, because what it means is not known, though it looks like an old namespace: %s",
			appbur.Shortlist(places, shownMentions))
	}
}

// search looks through one object.
type search struct {
	mentions
	names  map[string]string
	done   map[string]bool
	secret bool
}

// place is where a search is.
type place struct {
	at, key string
	// name is the field called name beside it, before the element before it in a list.
	name, before string
}

var (
	namespaceKey  = regexp.MustCompile(`(?i)namespaces?$`)
	namespaceFlag = regexp.MustCompile(`^(-n|--?[-a-z]*namespaces?)$`)
)

func (s search) in(value any, p place, places []string) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != lastApplied && key != "managedFields" {
				places = s.in(v[key], place{at: appbur.JoinKey(p.at, key), key: key, name: text(v, "name")}, places)
			}
		}
	case []any:
		before := ""
		for i, inner := range v {
			places = s.in(inner, place{at: p.at + "[" + strconv.Itoa(i) + "]", key: p.key, before: before}, places)
			before, _ = inner.(string)
		}
	case string:
		if !s.done[p.at] && s.named(v, p) {
			places = append(places, p.at)
		}
	}
	return places
}

// named reports whether a text seems to name one of the namespaces.
func (s search) named(value string, p place) bool {
	if s.secret && strings.HasPrefix(p.at, "data") {
		decoded, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return false
		}
		value = string(decoded)
	}
	if _, whole := s.names[value]; whole {
		return namespaceKey.MatchString(p.key) || p.key == "value" && namespaceKey.MatchString(p.name) || namespaceFlag.MatchString(p.before)
	}

	for _, found := range s.inText.FindAllStringSubmatch(value, -1) {
		if slices.ContainsFunc(found[1:], func(group string) bool { return s.names[group] != "" }) {
			return true
		}
	}
	return false
}
