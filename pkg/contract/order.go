package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// inDependencyOrder sorts datasets so that each comes after those it depends on,
// and otherwise stays where the author put it.
func inDependencyOrder(definitions []*definition) ([]*definition, error) {
	byName := map[string]*definition{}
	for _, d := range definitions {
		if byName[d.Name] != nil {
			return nil, fmt.Errorf("two datasets are called %s", d.Name)
		}
		byName[d.Name] = d
	}

	var ordered []*definition
	var visit func(d *definition, path []string) error
	visit = func(d *definition, path []string) error {
		if slices.Contains(path, d.Name) {
			return fmt.Errorf("datasets depend on one another in a circle: %s", strings.Join(append(path, d.Name), " → "))
		}
		if slices.Contains(ordered, d) {
			return nil
		}
		for _, name := range d.DependsOn {
			dependency := byName[name]
			if dependency == nil {
				return fmt.Errorf("dataset %s depends on %q, which is not declared", d.Name, name)
			}
			if err := visit(dependency, append(slices.Clip(path), d.Name)); err != nil {
				return err
			}
		}
		ordered = append(ordered, d)
		return nil
	}

	for _, d := range definitions {
		if err := visit(d, nil); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// checkAppID accepts DNS names (RFC 1123) of several labels or one.
func checkAppID(id string) error {
	const longest = 253
	if len(id) > longest {
		return fmt.Errorf("application id %q is longer than %d characters", id, longest)
	}
	if id == "" {
		return errors.New("the application has no id")
	}
	for label := range strings.SplitSeq(id, ".") {
		if err := checkLabel(label); err != nil {
			return fmt.Errorf("application id %q: %w", id, err)
		}
	}
	return nil
}
