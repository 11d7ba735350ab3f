package golden

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	goversion "github.com/hashicorp/go-version"
)

// Support says which releases an application has to read the state of: the support
// window. It is one of
//
//	all            every release that was recorded
//	last 3         the three newest releases before the application, and its own
//	~> 2           releases of major version 2; any constraint, such as ">= 1.4, < 3"
//	6 months       releases recorded within that time, and the newest before the application
type Support struct {
	text        string
	last        int
	months      int
	days        int
	constraints goversion.Constraints
}

var (
	lastReleases = regexp.MustCompile(`^last ([1-9][0-9]{0,3})(?: releases?)?$`)
	ofTime       = regexp.MustCompile(`^([1-9][0-9]{0,3}) (day|week|month|year)s?$`)
	oneSegment   = regexp.MustCompile(`^~>\s*v?([0-9]{1,9})$`)
)

// AllReleases is the window of which every recorded release is part.
var AllReleases = Support{text: "all"}

// ParseSupport reads a support window.
func ParseSupport(text string) (Support, error) {
	text = strings.TrimSpace(text)
	s := Support{text: text}
	if text == "all" {
		return s, nil
	}
	if m := lastReleases.FindStringSubmatch(text); m != nil {
		s.last, _ = strconv.Atoi(m[1])
		return s, nil
	}
	if m := ofTime.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		switch m[2] {
		case "day":
			s.days = n
		case "week":
			s.days = 7 * n
		case "month":
			s.months = n
		default:
			s.months = 12 * n
		}
		return s, nil
	}

	if m := oneSegment.FindStringSubmatch(text); m != nil {
		major, _ := strconv.Atoi(m[1])
		// The library takes "~> 2" for ">= 2", which no reader of it means.
		text = fmt.Sprintf(">= %d, < %d", major, major+1)
	}
	constraints, err := goversion.NewConstraint(text)
	if err != nil {
		return s, fmt.Errorf(`%q is no support window such as "all", "last 3", "~> 2", ">= 1.4, < 3" or "6 months"`, s.text)
	}
	s.constraints = constraints
	return s, nil
}

// String returns the text that the window was read from.
func (s Support) String() string { return s.text }

// Releases returns the recorded releases that are in the window of an application, oldest
// version first. A release that is newer than the application is in no window: nobody
// has to read the future.
func (s Support) Releases(lock Lock, app string, now time.Time) []string {
	entries := slices.SortedStableFunc(slices.Values(lock.Entries), func(a, b Entry) int { return compareReleases(a.Release, b.Release) })
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return compareReleases(e.Release, app) > 0 })
	before := len(entries)
	if before > 0 && compareReleases(entries[before-1].Release, app) == 0 {
		before--
	}

	var in []string
	for i, e := range entries {
		if s.holds(e, before-i, now) {
			in = append(in, e.Release)
		}
	}
	return in
}

// holds says whether a release is in the window; it is the age-th newest before the application,
// or the application's own with an age of 0 or less.
func (s Support) holds(e Entry, age int, now time.Time) bool {
	switch {
	case s.last > 0:
		return age <= s.last
	case s.days > 0 || s.months > 0:
		return age <= 1 || !e.Recorded.Before(now.AddDate(0, -s.months, -s.days))
	case s.constraints != nil:
		v, err := goversion.NewVersion(e.Release)
		return err != nil || s.constraints.Check(v.Core()) // what cannot be placed is not let go
	}
	return true
}

// compareReleases orders versions of applications, which need not be semantic versions.
func compareReleases(a, b string) int {
	v, errV := goversion.NewVersion(a)
	w, errW := goversion.NewVersion(b)
	if errV != nil || errW != nil {
		return strings.Compare(a, b)
	}
	return v.Compare(w)
}

// Newer reports whether a version of an application is later than another.
func Newer(a, b string) bool { return compareReleases(a, b) > 0 }
