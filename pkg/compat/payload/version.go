package payload

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	goversion "github.com/hashicorp/go-version"
)

// Version is the version of a dataset's schema, MAJOR.MINOR. A new minor adds;
// a new major needs an upcast.
type Version struct{ Major, Minor int }

// ParseVersion reads "2.1" and nothing else: no prefix, no patch, no leading zero.
func ParseVersion(s string) (Version, error) {
	major, minor, ok := strings.Cut(s, ".")
	if !ok {
		return Version{}, fmt.Errorf("%q is not a schema version: want MAJOR.MINOR", s)
	}
	var v Version
	var err error
	if v.Major, err = number(major); err != nil {
		return Version{}, fmt.Errorf("%q is not a schema version: %w", s, err)
	}
	if v.Minor, err = number(minor); err != nil {
		return Version{}, fmt.Errorf("%q is not a schema version: %w", s, err)
	}
	return v, nil
}

func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%q is not a plain number", s)
	}
	return int(n), nil
}

// String returns "2.1".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Compare orders versions.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor))
}

// Range is a set of versions, written as constraints joined by commas:
// ">= 1.0, < 3.0". The zero Range contains nothing.
type Range struct {
	text        string
	constraints goversion.Constraints
}

// ParseRange reads a range.
func ParseRange(s string) (Range, error) {
	constraints, err := goversion.NewConstraint(s)
	if err != nil {
		return Range{}, fmt.Errorf("%q is not a version range such as \">= 1.0, < 3.0\": %w", s, err)
	}
	return Range{text: s, constraints: constraints}, nil
}

// String returns the text that the range was read from.
func (r Range) String() string { return r.text }

// Contains reports whether the version is in the range.
func (r Range) Contains(v Version) bool {
	if len(r.constraints) == 0 {
		return false
	}
	// Two plain numbers always parse.
	parsed, err := goversion.NewVersion(v.String())
	return err == nil && r.constraints.Check(parsed)
}

// Readable reports whether a payload written at the version is in the range.
func Readable(reads, written string) (bool, error) {
	r, err := ParseRange(reads)
	if err != nil {
		return false, err
	}
	v, err := ParseVersion(written)
	if err != nil {
		return false, err
	}
	return r.Contains(v), nil
}

// Compatibility is what a reader makes of a payload.
type Compatibility string

// The answers of [Judge].
const (
	// Same payloads are at the version that the reader writes itself.
	Same Compatibility = "same"
	// Older payloads are read by upcasting.
	Older Compatibility = "older"
	// Newer payloads are refused: the reader cannot know what it would lose. The
	// way out is a newer application.
	Newer Compatibility = "newer"
	// Outside payloads are older than the window that the reader supports. The way
	// out is a step through a release in between.
	Outside Compatibility = "outside"
)

// Judge says how a reader that writes one version and reads a range takes a
// payload of the given version.
func Judge(writes Version, reads Range, payload Version) Compatibility {
	switch order := payload.Compare(writes); {
	case order == 0:
		return Same
	case reads.Contains(payload) && order < 0:
		return Older
	case order > 0:
		return Newer
	default:
		return Outside
	}
}
