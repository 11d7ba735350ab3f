package apps

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Target{
		"fleet=fleet.example:7443":        {appbur.AppKey{Namespace: "default", Name: "fleet"}, "fleet.example:7443"},
		"fleet-system/fleet=unix:///x=y":  {appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}, "unix:///x=y"},
		"a/b=[::1]:7443":                  {appbur.AppKey{Namespace: "a", Name: "b"}, "[::1]:7443"},
		"orders.db=unix:///run/orders.so": {appbur.AppKey{Namespace: "default", Name: "orders.db"}, "unix:///run/orders.so"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "fleet", "=x", "fleet=", "/fleet=x", "a/=x", "a/b/c=x", "../x=y", "a b=x"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("fleet-system/fleet=fleet.example:7443")
	f.Add("fleet=unix:///x")
	f.Fuzz(func(t *testing.T, text string) {
		target, err := Parse(text)
		if err == nil && (target.Name == "" || target.Namespace == "" || target.Address == "") {
			t.Errorf("%q was accepted as %+v", text, target)
		}
	})
}
