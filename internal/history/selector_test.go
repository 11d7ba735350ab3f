package history

import (
	"errors"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

func TestSelectorsThatAreNone(t *testing.T) {
	for _, text := range []string{"/", "deployment/", "/web", "a/b/c", "two words"} {
		if s, err := ParseSelector(text, ""); !errors.Is(err, ErrNotUnderstood) || appbur.HintOf(err) == "" {
			t.Errorf("ParseSelector(%q) = %+v, %v", text, s, err)
		}
	}
}

func TestAnObjectIsTheSameInTheGroupsOfItsKind(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"cluster/x/a.yaml", "cluster/x/a.yaml", true},
		{"namespaces/n/ingress.extensions/a.yaml", "namespaces/n/ingress.networking.k8s.io/a.yaml", true},
		{"namespaces/n/deployment.apps/a.yaml", "namespaces/n/deployment.extensions/a.yaml", true},
		{"namespaces/n/ingress.extensions/a.yaml", "namespaces/m/ingress.networking.k8s.io/a.yaml", false},
		{"namespaces/n/ingress.extensions/a.yaml", "namespaces/n/ingress.networking.k8s.io/b.yaml", false},
		{"namespaces/n/cluster.cluster.x-k8s.io/a.yaml", "namespaces/n/cluster.management.cattle.io/a.yaml", false},
		{"cluster/x/a.yaml", "namespaces/n/x/a.yaml", false},
	} {
		if got := sameObject(test.a, test.b); got != test.want {
			t.Errorf("sameObject(%q, %q) = %v", test.a, test.b, got)
		}
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-11-20":                "2026-11-20T00:00:00Z",
		"2026-11-20T15:04:05Z":      "2026-11-20T15:04:05Z",
		"2026-11-20T15:04:05+02:00": "2026-11-20T13:04:05Z",
		"2026-11-20 15:04":          "2026-11-20T15:04:00Z",
		"2d":                        "2026-11-19T12:00:00Z",
		"1w12h":                     "2026-11-14T00:00:00Z",
		"90m":                       "2026-11-21T10:30:00Z",
		"0s":                        "2026-11-21T12:00:00Z",
	} {
		got, err := ParseMoment(text, now)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("ParseMoment(%q) = %v, %v; want %s", text, got, err, want)
		}
	}

	for _, text := range []string{
		"", "2", "d", "-2d", "2 d", "2y", "yesterday", "2026-13-01", "99999999999d", "200000000d",
		"9999w9999w9999w",
	} {
		if got, err := ParseMoment(text, now); !errors.Is(err, ErrNotUnderstood) {
			t.Errorf("ParseMoment(%q) = %v, %v", text, got, err)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"2d", "1w12h", "2026-11-20", "2026-11-20T15:04:05+02:00", "0s0s", "d"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseMoment(text, now)
		if err != nil {
			return
		}
		if again, err := ParseMoment(at.Format(time.RFC3339), now); err != nil || !again.Equal(at) {
			t.Errorf("%q is %v, which is read as %v, %v", text, at, again, err)
		}
	})
}

func TestAPIVersionOf(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: apps/v1\nkind: X\n":                    "apps/v1",
		"data:\n  apiVersion: no\nx: |\n  apiVersion: no\n": "",
		"kind: X\napiVersion: \"v1\"\n":                     "v1",
		"":                                                  "",
	} {
		if got := apiVersionOf([]byte(text)); got != want {
			t.Errorf("apiVersionOf(%q) = %q, want %q", text, got, want)
		}
	}
}
