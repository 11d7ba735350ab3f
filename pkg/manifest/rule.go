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
	// Source says where the fact behind the rule can be looked up: a file of
	// Kubernetes, a KEP, the project that an annotation belongs to.
	Source string
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
	// As names the part of the [Entry] that an indexed value goes into, when that is
	// not the general one: uid, created, owners, finalizers, status.
	As string
	// Prune takes maps and lists away, too, that the rule has emptied: built-in
	// types never have them empty, so a manifest must not either.
	Prune bool
	// Reason says why, in one sentence.
	Reason string
	// Source is as in [ObjectRule].
	Source string
	// Safety rules keep secrets out of Git. They come before those of users.
	Safety bool

	steps []step
	line  int // in appbur.yaml, for rules of users
}

// elements reports whether the rule takes elements out of lists.
func (r *FieldRule) elements() bool { return r.steps[len(r.steps)-1].each }

// SecretRule says which values are secret. Manifests that have any are sealed before
// they reach Git.
type SecretRule struct {
	// ID is stable for ever.
	ID string
	// Kinds selects kinds; see [EveryKind].
	Kinds []string
	// Path leads to the values. "*" alone means everything but apiVersion, kind
	// and metadata.
	Path string
	// When looks at the object; nil means all of the kinds.
	When Condition
	// Always is true when every manifest of the kinds is sealed, whether or not it has
	// the values now, so that Git does not reveal when the first one came.
	Always bool
	// Reason says why, in one sentence.
	Reason string
	// Source is as in [ObjectRule].
	Source string

	steps  []step
	always []string // the path, of rules that are Always
}

// String writes the rule in one line, its reason left out.
func (r SecretRule) String() string {
	line := fmt.Sprintf("%s: seal %s of %s", r.ID, r.Path, strings.Join(r.Kinds, ", "))
	if r.When != nil {
		line += " when " + r.When.String()
	}
	if r.Always {
		line += ", always"
	}
	return line
}

// String writes the rule in one line, its reason left out.
func (r FieldRule) String() string {
	verb := "drop"
	if r.Index {
		verb = "index"
	}
	if r.As != "" {
		verb += " as " + r.As + ":"
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
	case Selection:
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
			if strings.ContainsAny(selector, "*?") {
				if strings.ContainsAny(selector, `[]\/ `) {
					return fmt.Errorf("kind pattern %q: only * and ? are special, and kinds have no such characters", selector)
				}
				continue
			}
			if _, err := appbur.ParseGroupKind(selector); err != nil {
				return err
			}
		}
	}
	return nil
}
