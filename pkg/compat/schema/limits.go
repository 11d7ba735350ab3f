package schema

import "fmt"

// Limits of what is judged. A server protects itself by the size of its requests; a
// restore point may come from anywhere. All are far above what real projects have:
// the largest known definitions have some ten thousand nodes and a few hundred rules.
const (
	// maxSchemaDepth and maxObjectDepth count levels of maps and lists.
	maxSchemaDepth = 400
	maxObjectDepth = 1000
	// maxRules is how many rules of x-kubernetes-validations are compiled.
	maxRules = 2000
	// maxWork bounds what one object may cost: its nodes times the most checks that the schema
	// has for one node.
	maxWork = 100_000_000
)

// measure is the size of a value.
type measure struct {
	nodes int
	// checks counts what a schema may check of one node again and again: alternatives,
	// values of an enum, required fields.
	checks int
	rules  int
}

// junctors are what a value is validated by over and over.
var junctors = map[string]bool{"allOf": true, "anyOf": true, "oneOf": true, "not": true}

// measureObject counts the nodes of an object.
func measureObject(value any) (measure, error) {
	var m measure
	return m, m.walk(value, maxObjectDepth, false, nil)
}

// measureSchema counts the nodes and checks of a schema.
func measureSchema(value any) (measure, error) {
	var m measure
	return m, m.walk(value, maxSchemaDepth, false, func(key string, value any) {
		list, _ := value.([]any)
		switch key {
		case "enum", "required":
			m.checks += len(list)
		case "x-kubernetes-validations":
			m.rules += len(list)
		}
	})
}

func (m *measure) walk(value any, depth int, inJunctor bool, see func(key string, value any)) error {
	if depth == 0 {
		return fmt.Errorf("it is nested too deeply to be checked")
	}
	m.nodes++
	if inJunctor {
		m.checks++
	}

	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			if see != nil {
				see(key, below)
			}
			if err := m.walk(below, depth-1, inJunctor || see != nil && junctors[key], see); err != nil {
				return err
			}
		}
	case []any:
		for _, below := range v {
			if err := m.walk(below, depth-1, inJunctor, see); err != nil {
				return err
			}
		}
	}
	return nil
}

// affordable says whether an object can be judged by a schema.
func affordable(object, schema measure) error {
	if work := object.nodes * (1 + schema.checks); work > maxWork || work < 0 {
		return fmt.Errorf("it is too large to be checked: %d values, and a schema with up to %d checks for each", object.nodes, schema.checks)
	}
	return nil
}
