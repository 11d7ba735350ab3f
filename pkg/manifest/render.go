package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Rule is any rule as it is shown to people and programs.
type Rule struct {
	ID string `json:"id"`
	// Effect is exclude, save, drop, index or seal.
	Effect string `json:"effect"`
	// Kinds selects kinds; see [EveryKind].
	Kinds []string `json:"kinds"`
	// Path leads to the values; it is empty for rules about complete objects.
	Path string `json:"path,omitempty"`
	// When is the condition, empty if there is none.
	When   string `json:"when,omitempty"`
	Reason string `json:"reason"`
	Source string `json:"source"`
}

// what says what the rule does, in a few words.
func (r Rule) what() string {
	text := r.Effect
	if r.Path != "" {
		text += " " + r.Path
	}
	if r.When != "" {
		text += " when " + r.When
	}
	return text
}

// List returns all rules in the order in which they are tried: those about objects,
// about fields, about secrets.
func (r *Rules) List() []Rule {
	list := make([]Rule, 0, len(r.set.Objects)+len(r.set.Fields)+len(r.set.Secrets))
	for _, rule := range r.set.Objects {
		list = append(list, Rule{rule.ID, string(rule.Effect), rule.Kinds, "", whenText(rule.When), rule.Reason, rule.Source})
	}
	for _, rule := range r.set.Fields {
		effect := "drop"
		if rule.Index {
			effect = "index"
		}
		list = append(list, Rule{rule.ID, effect, rule.Kinds, rule.Path, whenText(rule.When), rule.Reason, rule.Source})
	}
	for _, rule := range r.set.Secrets {
		list = append(list, Rule{rule.ID, "seal", rule.Kinds, rule.Path, whenText(rule.When), rule.Reason, rule.Source})
	}
	return list
}

func whenText(c Condition) string {
	if c == nil {
		return ""
	}
	return strings.TrimPrefix(c.String(), "in the object, ")
}

// Render writes all rules as text for people, grouped by the kinds they are about:
// those for every kind first, then by name. A rule for several kinds is listed once,
// under all of their names.
func (r *Rules) Render() string {
	groups := make(map[string][]Rule)
	var titles []string
	for _, rule := range r.List() {
		title := strings.Join(rule.Kinds, ", ")
		if groups[title] == nil {
			titles = append(titles, title)
		}
		groups[title] = append(groups[title], rule)
	}

	slices.SortFunc(titles, func(a, b string) int {
		return cmp.Or(cmp.Compare(titleRank(a), titleRank(b)), strings.Compare(a, b))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "rules %s\n", r.version)

	for _, title := range titles {
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, rule := range groups[title] {
			fmt.Fprintf(&b, "  %s\n    what    %s\n    reason  %s\n    source  %s\n", rule.ID, rule.what(), rule.Reason, rule.Source)
		}
	}

	return b.String()
}

func titleRank(title string) int {
	switch title {
	case EveryKind:
		return 0
	case BuiltInKinds:
		return 1
	case CustomKinds:
		return 2
	default:
		return 3
	}
}
