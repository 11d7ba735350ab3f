package overlay

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// shownPaths is how many changed fields of one object are listed.
const shownPaths = 50

// changes lists the fields in which an object differs from what it was. It has no values: they
// may be secret, and the overlay says what they are.
func changes(before, after map[string]any) []compat.Change {
	d := &difference{}
	d.maps("", before, after)
	if more := len(d.list) - shownPaths; more > 0 {
		d.list = append(d.list[:shownPaths], compat.Change{Rule: rule, Path: "…", What: fmt.Sprintf("and %d more fields", more)})
	}
	return d.list
}

type difference struct{ list []compat.Change }

func (d *difference) add(at, what string) {
	d.list = append(d.list, compat.Change{Rule: rule, Path: at, What: "the overlay " + what})
}

func (d *difference) maps(at string, before, after map[string]any) {
	keys := slices.Collect(maps.Keys(before))
	for key := range after {
		if _, was := before[key]; !was {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)

	for _, key := range keys {
		was, had := before[key]
		is, has := after[key]
		inner := appbur.JoinKey(at, key)
		switch {
		case !had:
			d.add(inner, "adds it")
		case !has:
			d.add(inner, "removes it")
		default:
			d.values(inner, was, is)
		}
	}
}

func (d *difference) values(at string, was, is any) {
	switch w := was.(type) {
	case map[string]any:
		if i, ok := is.(map[string]any); ok {
			d.maps(at, w, i)
			return
		}
	case []any:
		if i, ok := is.([]any); ok && len(i) == len(w) {
			for n := range w {
				d.values(at+"["+strconv.Itoa(n)+"]", w[n], i[n])
			}
			return
		}
	}
	if !reflect.DeepEqual(was, is) {
		d.add(at, "changes it")
	}
}
