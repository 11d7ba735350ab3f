package binaries

import (
	"strings"

	"github.com/appbur/appbur"
)

// Wanted is the version that somebody asks for: a release, or the newest of a
// minor version.
type Wanted struct {
	version appbur.KubeVersion
	minor   bool // any release of it
}

// ParseWanted reads "1.37", any release of it, or "1.37.1", that one alone.
func ParseWanted(text string) (Wanted, error) {
	v, err := appbur.ParseKubeVersion(text)
	if err != nil {
		return Wanted{}, err
	}
	return Wanted{version: v, minor: strings.Count(text, ".") == 1}, nil
}

// String returns what was asked for.
func (w Wanted) String() string {
	if w.minor {
		return w.version.MinorString()
	}
	return w.version.String()
}

func (w Wanted) accepts(v appbur.KubeVersion) bool {
	if w.minor {
		return v.MinorString() == w.version.MinorString()
	}
	return v == w.version
}
