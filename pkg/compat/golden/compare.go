package golden

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/compat/payload"
)

// shownDifferences is how many differences of a dataset are told one by one.
const shownDifferences = 3

// Compare says in sentences how rows differ from those that were expected. ignored are
// top-level fields that are not looked at. No value of a sensitive dataset is in the
// sentences.
func Compare(d Dataset, want, got []Row, ignored []string) []string {
	var differences []string
	found := map[string]Row{}
	for _, row := range got {
		found[keyOf(d, row)] = row
	}
	expected := map[string]bool{}

	for n, row := range want {
		key := keyOf(d, row)
		expected[key] = true
		other, there := found[key]
		if !there {
			differences = append(differences, "row "+name(d, key, n)+" is missing")
			continue
		}
		for _, path := range differingPaths(row, other, ignored) {
			differences = append(differences, describe(d, name(d, key, n), path, row, other))
		}
	}

	for n, row := range got {
		if key := keyOf(d, row); !expected[key] {
			differences = append(differences, "row "+name(d, key, n)+" is there, and was not expected")
		}
	}
	if len(differences) == 0 && len(want) != len(got) {
		differences = append(differences, fmt.Sprintf("%d rows, expected were %d", len(got), len(want)))
	}
	if more := len(differences) - shownDifferences; more > 0 {
		differences = append(differences[:shownDifferences], fmt.Sprintf("and %d more differences", more))
	}
	return differences
}

// keyOf is the identity of a row as text.
func keyOf(d Dataset, row Row) string {
	key := Row{}
	for _, field := range d.Key {
		key[field] = row[field]
	}
	text, err := payload.EncodeRow(key)
	if err != nil {
		return fmt.Sprint(key)
	}
	return string(text)
}

// name is how a row is called: by its key, or by its number if nobody may read that.
func name(d Dataset, key string, n int) string {
	if d.Sensitive {
		return fmt.Sprint(n + 1)
	}
	return key
}

// differingPaths returns the paths at which two rows differ, as JSON pointers.
func differingPaths(want, got Row, ignored []string) []string {
	var paths []string
	var walk func(prefix string, a, b Row)
	walk = func(prefix string, a, b Row) {
		all := maps.Clone(a)
		maps.Copy(all, b)
		for _, field := range slices.Sorted(maps.Keys(all)) {
			if prefix == "" && slices.Contains(ignored, field) {
				continue
			}
			path := prefix + "/" + escape(field)
			left, inA := a[field]
			right, inB := b[field]
			leftObject, isObject := left.(Row)
			rightObject, areObjects := right.(Row)
			switch {
			case isObject && areObjects:
				walk(path, leftObject, rightObject)
			case inA != inB || !Equal(left, right):
				paths = append(paths, path)
			}
		}
	}
	walk("", want, got)
	return paths
}

func escape(field string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(field) }

func describe(d Dataset, row, path string, want, got Row) string {
	left, inWant := at(want, path)
	right, inGot := at(got, path)
	switch {
	case inWant && !inGot:
		return fmt.Sprintf("row %s has no %s", row, path)
	case inGot && !inWant:
		return fmt.Sprintf("row %s has %s, which was not expected", row, path)
	case d.Sensitive:
		return fmt.Sprintf("row %s has another %s", row, path)
	}
	return fmt.Sprintf("row %s: %s is %s, expected was %s", row, path, show(right), show(left))
}

// at returns the value at a path through objects.
func at(row Row, path string) (any, bool) {
	var value any = row
	for token := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		object, ok := value.(Row)
		if !ok {
			return nil, false
		}
		if value, ok = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]; !ok {
			return nil, false
		}
	}
	return value, true
}

// show is a value as JSON, cut where it is long.
func show(value any) string {
	text, err := payload.EncodeRow(Row{"v": value})
	if err != nil {
		return "a value that is no JSON"
	}
	short := strings.TrimSuffix(strings.TrimPrefix(string(text), `{"v":`), "}")
	if len(short) > 60 {
		short = strings.ToValidUTF8(short[:60], "") + "…"
	}
	return short
}
