package manifest

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

// Effect is what an object rule decides.
type Effect string

// The two effects.
const (
	Exclude Effect = "exclude"
	Save    Effect = "save"
)

// ObjectRule decides whether objects are saved. The first rule of a set that
// applies decides; an object that no rule applies to is saved.
type ObjectRule struct {
	// ID is stable for ever: it is in commits and reports.
	ID string
	// Effect is Exclude or Save. A Save rule protects from the rules after it.
	Effect Effect
	// Kinds selects kinds; see [EveryKind].
	Kinds []string
	// When narrows the rule to some objects; nil means all of the kinds.
	When Condition
	// Reason says why, in one sentence.
	Reason string
}

// String writes the rule in one line, its reason left out.
func (r ObjectRule) String() string {
	line := fmt.Sprintf("%s: %s %s", r.ID, r.Effect, strings.Join(r.Kinds, ", "))
	if r.When != nil {
		line += " when " + r.When.String()
	}
	return line
}

// FieldRule takes a value out of the manifests.
type FieldRule struct {
	// ID is stable for ever.
	ID string
	// Kinds selects kinds; see [EveryKind].
	Kinds []string
	// Path leads to the value; see the examples in the default rules. A path that
	// ends with "[]" takes single elements out of a list.
	Path string
	// When looks at the value; nil means whatever the value is. It turns to the
	// object by [Within].
	When Condition
	// Index is true when the value goes into the index, false when it is noise.
	Index bool
	// Prune takes maps and lists away, too, that the rule has emptied: built-in
	// types never have them empty, so a manifest must not either.
	Prune bool
	// Reason says why, in one sentence.
	Reason string

	steps []step
}

// String writes the rule in one line, its reason left out.
func (r FieldRule) String() string {
	verb := "drop"
	if r.Index {
		verb = "index"
	}
	line := fmt.Sprintf("%s: %s %s of %s", r.ID, verb, r.Path, strings.Join(r.Kinds, ", "))
	if r.When != nil {
		line += " when " + r.When.String()
	}
	if r.Prune {
		line += ", then prune"
	}
	return line
}

// checkCondition refuses conditions whose paths cannot be evaluated.
func checkCondition(c Condition) error {
	switch c := c.(type) {
	case nil:
		return nil
	case Is:
		return checkConditionPath(c.Path)
	case Has:
		return checkConditionPath(c.Path)
	case Blank:
		return checkConditionPath(c.Path)
	case Only:
		return checkConditionPath(c.Path)
	case Not:
		return checkCondition(c.Condition)
	case Element:
		if err := checkConditionPath(c.Path); err != nil {
			return err
		}
		return checkCondition(c.Condition)
	case Within:
		return checkCondition(c.Condition)
	case All:
		return checkConditions(c)
	case Any:
		return checkConditions(c)
	case Controlled:
		return checkKinds(c.Kinds)
	default:
		return nil
	}
}

func checkConditions(conditions []Condition) error {
	for _, c := range conditions {
		if err := checkCondition(c); err != nil {
			return err
		}
	}
	return nil
}

func checkConditionPath(path string) error {
	steps, err := parsePath(path)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.deep {
			return fmt.Errorf("path %q: ** has no meaning in a condition", path)
		}
	}
	return nil
}

func checkKinds(kinds []string) error {
	for _, selector := range kinds {
		switch selector {
		case EveryKind, BuiltInKinds, CustomKinds:
		default:
			if _, err := appbur.ParseGroupKind(selector); err != nil {
				return err
			}
		}
	}
	return nil
}
