package contract

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"

	"github.com/hashicorp/go-version"
)

// schemaVersion is MAJOR.MINOR. A new minor version only adds; a new major
// version may do anything, and an upcast explains what.
type schemaVersion struct{ major, minor int }

var schemaPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)

func parseSchema(s string) (schemaVersion, error) {
	m := schemaPattern.FindStringSubmatch(s)
	if m == nil {
		return schemaVersion{}, fmt.Errorf("schema version %q: want MAJOR.MINOR such as 2.0", s)
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return schemaVersion{}, fmt.Errorf("schema version %q: %w", s, err)
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil {
		return schemaVersion{}, fmt.Errorf("schema version %q: %w", s, err)
	}
	return schemaVersion{major, minor}, nil
}

func (v schemaVersion) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func (v schemaVersion) compare(w schemaVersion) int {
	return cmp.Or(cmp.Compare(v.major, w.major), cmp.Compare(v.minor, w.minor))
}

// readRange is the set of schemas that an import accepts: a constraint, or an
// explicit list when the author wrote none.
type readRange struct {
	constraints version.Constraints
	listed      []schemaVersion
}

func newReadRange(text string, written schemaVersion, steps []step) (readRange, error) {
	if text == "" {
		listed := []schemaVersion{written}
		for _, s := range steps {
			listed = append(listed, s.from)
		}
		return readRange{listed: listed}, nil
	}
	constraints, err := version.NewConstraint(text)
	if err != nil {
		return readRange{}, fmt.Errorf("range of readable schemas %q: %w", text, err)
	}
	return readRange{constraints: constraints}, nil
}

func (r readRange) contains(v schemaVersion) bool {
	if r.constraints != nil {
		return r.constraints.Check(version.Must(version.NewVersion(v.String())))
	}
	for _, listed := range r.listed {
		if listed == v {
			return true
		}
	}
	return false
}

// String returns a constraint that hashicorp/go-version reads. A list has none
// (constraints know no "or"), so it is written as the span from its oldest
// member to its newest; holes are refused with SCHEMA_TOO_OLD all the same.
func (r readRange) String() string {
	if r.constraints != nil {
		return r.constraints.String()
	}
	oldest, newest := r.listed[0], r.listed[0]
	for _, v := range r.listed {
		if v.compare(oldest) < 0 {
			oldest = v
		}
		if v.compare(newest) > 0 {
			newest = v
		}
	}
	return fmt.Sprintf(">= %s, <= %s", oldest, newest)
}
