package appbur

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// KubeVersion is a Kubernetes release. API rules depend on major and minor
// alone; the patch is kept for people. The zero value means "unknown".
type KubeVersion struct {
	Major, Minor, Patch int
}

// ParseKubeVersion reads "1.24", "v1.24.17" and what vendors append to it, such
// as "v1.29.4-gke.1043002" or "v1.30.1+k3s1": everything after the first "-" or
// "+" is ignored, because it says nothing about the API.
func ParseKubeVersion(s string) (KubeVersion, error) {
	text := strings.TrimPrefix(s, "v")
	if i := strings.IndexAny(text, "-+"); i >= 0 {
		text = text[:i]
	}
	parts := strings.Split(text, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return KubeVersion{}, fmt.Errorf("%q is not a Kubernetes version: want 1.24 or v1.24.17", s)
	}

	var numbers [3]int
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return KubeVersion{}, fmt.Errorf("%q is not a Kubernetes version: %q is not a number", s, part)
		}
		numbers[i] = int(n)
	}

	if numbers[0] == 0 {
		return KubeVersion{}, fmt.Errorf("%q is not a Kubernetes version: the major number is zero", s)
	}
	return KubeVersion{Major: numbers[0], Minor: numbers[1], Patch: numbers[2]}, nil
}

// String returns "1.24.17".
func (v KubeVersion) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// MinorString returns "1.24", what API rules are keyed by.
func (v KubeVersion) MinorString() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// IsZero reports whether the version is unknown.
func (v KubeVersion) IsZero() bool { return v == KubeVersion{} }

// Compare orders versions.
func (v KubeVersion) Compare(other KubeVersion) int {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor), cmp.Compare(v.Patch, other.Patch))
}

// AtLeast reports whether v is the given minor release or a later one.
func (v KubeVersion) AtLeast(major, minor int) bool {
	return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor)) >= 0
}

// MarshalText implements [encoding.TextMarshaler]. An unknown version is "".
func (v KubeVersion) MarshalText() ([]byte, error) {
	if v.IsZero() {
		return nil, nil
	}
	return []byte(v.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseKubeVersion].
// Empty text is the unknown version.
func (v *KubeVersion) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = KubeVersion{}
		return nil
	}
	parsed, err := ParseKubeVersion(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}
