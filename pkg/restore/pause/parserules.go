package pause

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
)

// RulesError is a file of rules that cannot be used. It says all rows that are wrong.
type RulesError struct{ Err error }

func (e *RulesError) Error() string { return e.Err.Error() }
func (e *RulesError) Unwrap() error { return e.Err }

// rulesFile is what users write.
type rulesFile struct {
	Pause []writtenRule `yaml:"pause"`
}

// writtenRule is a rule as a user writes it. Exactly one of annotation, field, scaleToZero and leave
// says how the objects are paused.
type writtenRule struct {
	Kind       string            `yaml:"kind"`
	Name       string            `yaml:"name"`
	Namespace  string            `yaml:"namespace"`
	Labels     map[string]string `yaml:"labels"`
	Controller string            `yaml:"controller"`
	Stage      int               `yaml:"stage"`
	Await      string            `yaml:"await"`
	Reason     string            `yaml:"reason"`
	Source     string            `yaml:"source"`

	Annotation  string `yaml:"annotation"`
	Field       string `yaml:"field"`
	Value       any    `yaml:"value"`
	ScaleToZero bool   `yaml:"scaleToZero"`
	Leave       bool   `yaml:"leave"`
}

// ParseRules reads rules that a user adds to the table. An error is a [RulesError].
func ParseRules(data []byte) ([]Rule, error) {
	var file rulesFile
	if err := strictyaml.Decode(data, &file); err != nil {
		return nil, &RulesError{err}
	}
	if len(file.Pause) == 0 {
		return nil, &RulesError{appbur.WithHint(errors.New("it has no rules"), "the rules are a list below pause:")}
	}

	rules, err := strictyaml.Entries("row", file.Pause, writtenRule.rule)
	if err != nil {
		return nil, &RulesError{err}
	}
	return rules, nil
}

// ownController is the controller of rules that name none.
const ownController = "own rules"

func (w writtenRule) rule() (Rule, error) {
	for name, pattern := range map[string]string{"kind": w.Kind, "name": w.Name, "namespace": w.Namespace} {
		if _, err := path.Match(pattern, ""); err != nil {
			return Rule{}, fmt.Errorf("%s %q is no pattern", name, pattern)
		}
	}
	for label, pattern := range w.Labels {
		if _, err := path.Match(pattern, ""); err != nil {
			return Rule{}, fmt.Errorf("label %s: %q is no pattern", label, pattern)
		}
	}

	_, group, _ := strings.Cut(w.Kind, ".")
	switch {
	case w.Kind == "":
		return Rule{}, errors.New("kind is missing")
	case judged[group] || w.Kind == "Secret":
		return Rule{}, fmt.Errorf("objects of the kind %s cannot be paused", w.Kind)
	case w.Reason == "":
		return Rule{}, errors.New("reason is missing: the plan shows it")
	case w.Stage < 0:
		return Rule{}, fmt.Errorf("stage is %d: want a number from 0 on", w.Stage)
	}

	r := Rule{
		Controller: w.Controller, Kinds: []string{w.Kind}, Names: w.Name, Namespaces: w.Namespace, Labels: w.Labels,
		Stage: w.Stage, Await: w.Await, Leave: w.Leave, Reason: w.Reason, Source: w.Source,
	}
	if r.Controller == "" {
		r.Controller = ownController
	}
	return r, w.set(&r)
}

// set reads how the objects are paused.
func (w writtenRule) set(r *Rule) error {
	ways := 0
	for _, given := range []bool{w.Annotation != "", w.Field != "", w.ScaleToZero, w.Leave} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("want exactly one of annotation, field, scaleToZero: true and leave: true")
	}
	if w.Value != nil && w.Annotation == "" && w.Field == "" {
		return errors.New("value has no meaning without annotation or field")
	}

	switch {
	case w.Annotation != "":
		value, ok := w.Value.(string)
		switch {
		case w.Value == nil:
			value = "true"
		case !ok:
			return fmt.Errorf("the value of an annotation is a text: write it as %q", fmt.Sprint(w.Value))
		}
		r.Set = []Setting{annotation(w.Annotation, value)}
	case w.Field != "":
		keys, err := parseKeys(w.Field)
		if err != nil {
			return err
		}
		value, err := scalar(w.Value)
		if err != nil {
			return err
		}
		r.Set = []Setting{field(value, keys...)}
	case w.ScaleToZero:
		r.Set = []Setting{field(int64(0), "spec", "replicas")}
	}

	for _, s := range r.Set {
		if err := checkPath(s.Path); err != nil {
			return err
		}
	}
	return nil
}

// scalar returns a value that a field can be set to: true if none was given.
func scalar(value any) (any, error) {
	switch v := value.(type) {
	case nil:
		return true, nil
	case bool, string:
		return v, nil
	case int:
		return int64(v), nil
	}
	return nil, errors.New("value is neither true or false, nor a whole number, nor a text")
}

// parseKeys reads a path of keys, joined by dots. A key that has dots is quoted.
func parseKeys(text string) ([]string, error) {
	var keys []string
	rest := text
	for {
		var key string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			if key, rest, ok = strings.Cut(quoted, `"`); !ok {
				return nil, fmt.Errorf("field %q: a quote does not end", text)
			}
			if rest != "" && !strings.HasPrefix(rest, ".") {
				return nil, fmt.Errorf("field %q: a dot is missing before %q", text, rest)
			}
		} else {
			end := strings.IndexByte(rest+".", '.')
			key, rest = rest[:end], rest[end:]
			if strings.ContainsAny(key, `[]*"`) {
				return nil, fmt.Errorf("field %q: %q is no key; lists and patterns cannot be set", text, key)
			}
		}

		if key == "" {
			return nil, fmt.Errorf("field %q: a key is empty", text)
		}
		keys = append(keys, key)
		var more bool
		if rest, more = strings.CutPrefix(rest, "."); !more {
			return keys, nil
		}
	}
}
