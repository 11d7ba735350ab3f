package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/appbur/appbur"
)

// PairError is a pair of a map that cannot be used.
type PairError struct {
	Pair string
	Err  error
}

func (e *PairError) Error() string { return fmt.Sprintf("%q: %v", e.Pair, e.Err) }
func (e *PairError) Unwrap() error { return e.Err }

// Namespaces says which namespaces get which names. It is made by [ParseNamespaces].
type Namespaces struct{ to map[string]string }

// ParseNamespaces reads pairs OLD=NEW. An error is a [PairError].
func ParseNamespaces(pairs []string) (Namespaces, error) {
	n := Namespaces{to: make(map[string]string, len(pairs))}
	err := eachPair(pairs, n.to, func(name string) error {
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return fmt.Errorf("%q is no name of a namespace: %s", name, problems[0])
		}
		return nil
	})
	return n, err
}

// eachPair reads pairs OLD=NEW, each OLD once, into a map.
func eachPair(pairs []string, into map[string]string, check func(string) error) error {
	for _, pair := range pairs {
		from, to, ok := strings.Cut(pair, "=")
		if !ok {
			return &PairError{pair, appbur.WithHint(fmt.Errorf("an equals sign is missing"), "write OLD=NEW")}
		}
		for _, name := range []string{from, to} {
			if err := check(name); err != nil {
				return &PairError{pair, err}
			}
		}

		switch other, twice := into[from]; {
		case from == to:
			return &PairError{pair, fmt.Errorf("both names are the same")}
		case twice && other != to:
			return &PairError{pair, fmt.Errorf("%s is already to become %s", from, other)}
		}
		into[from] = to
	}
	return nil
}

// Empty reports whether nothing is mapped.
func (n Namespaces) Empty() bool { return len(n.to) == 0 }

// New returns the name that a namespace gets, or has already.
func (n Namespaces) New(name string) string {
	if to, ok := n.to[name]; ok {
		return to
	}
	return name
}

// Old returns the names that are replaced, sorted.
func (n Namespaces) Old() []string {
	names := make([]string, 0, len(n.to))
	for name := range n.to {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// made reports whether the map gives a namespace this name.
func (n Namespaces) made(name string) bool {
	for _, to := range n.to {
		if to == name {
			return true
		}
	}
	return false
}
