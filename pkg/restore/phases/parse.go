package phases

import (
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/selection"
)

// DefaultTimeout is how long the objects of a phase may take to be ready where the file does not say it.
const DefaultTimeout = 5 * time.Minute

// Phase is a phase as it was declared: well formed, and not yet compared with objects.
type Phase struct {
	Name string
	// Words choose its objects.
	Words selection.Selector
	// Wait is true where the next phase begins when the objects of this one are ready, within Timeout
	// and with Condition, where that is not "".
	Wait      bool
	Timeout   time.Duration
	Condition string
}

// With returns the phase with what its words mean in one restore point.
func (p Phase) With(holds func(restore.Object) bool) restore.DeclaredPhase {
	return restore.DeclaredPhase{Name: p.Name, Objects: holds, Wait: p.Wait, Timeout: p.Timeout, Condition: p.Condition}
}

// Error is a file of phases that cannot be used. It says all phases that are wrong.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// file is what users write.
type file struct {
	Phases []written `yaml:"phases"`
}

type written struct {
	Name string `yaml:"name"`

	Objects    []string `yaml:"objects"`
	Namespaces []string `yaml:"namespaces"`
	Kinds      []string `yaml:"kinds"`
	Names      []string `yaml:"names"`
	Labels     string   `yaml:"labels"`

	ExcludeNamespaces []string `yaml:"excludeNamespaces"`
	ExcludeKinds      []string `yaml:"excludeKinds"`
	ExcludeNames      []string `yaml:"excludeNames"`
	ExcludeLabels     string   `yaml:"excludeLabels"`

	Wait      *bool  `yaml:"wait"`
	Condition string `yaml:"condition"`
	Timeout   string `yaml:"timeout"`
}

// Parse reads phases in their order. An error is an [Error]; where a word is wrong, it wraps a
// [selection.WordError].
func Parse(data []byte) ([]Phase, error) {
	var f file
	if err := strictyaml.Decode(data, &f); err != nil {
		return nil, &Error{err}
	}
	if len(f.Phases) == 0 {
		return nil, &Error{appbur.WithHint(errors.New("it has no phases"), "they are a list below phases:")}
	}

	names := make(map[string]bool)
	declared, err := strictyaml.Entries("phase", f.Phases, func(w written) (Phase, error) {
		p, err := w.phase()
		if err == nil && names[p.Name] {
			err = fmt.Errorf("there is another phase %q", p.Name)
		}
		names[p.Name] = true
		return p, err
	})
	if err != nil {
		return nil, &Error{err}
	}
	return declared, nil
}

func (w written) phase() (Phase, error) {
	p := Phase{Name: w.Name, Wait: w.Wait == nil || *w.Wait, Timeout: DefaultTimeout, Condition: w.Condition}
	switch {
	case w.Name == "":
		return p, errors.New("name is missing: the plan and the report show it")
	case !p.Wait && w.Condition != "":
		return p, errors.New("condition has no meaning with wait: false")
	case !p.Wait && w.Timeout != "":
		return p, errors.New("timeout has no meaning with wait: false")
	}
	if w.Timeout != "" {
		var err error
		if p.Timeout, err = time.ParseDuration(w.Timeout); err != nil || p.Timeout <= 0 {
			return p, fmt.Errorf("timeout %q is no duration: want one such as 90s or 10m", w.Timeout)
		}
	}

	var err error
	p.Words, err = selection.Parse(selection.Words{
		Objects: w.Objects, Namespaces: w.Namespaces, Kinds: w.Kinds, Names: w.Names, Labels: w.Labels,
		ExcludeNamespaces: w.ExcludeNamespaces, ExcludeKinds: w.ExcludeKinds, ExcludeNames: w.ExcludeNames, ExcludeLabels: w.ExcludeLabels,
	})
	if err == nil && p.Words.Everything() {
		err = errors.New("it chooses everything: say which objects are in it, for example namespaces: [team-a]")
	}
	return p, err
}
