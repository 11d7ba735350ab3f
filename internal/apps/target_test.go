package apps

import (
	"reflect"
	"testing"

	"github.com/appbur/appbur"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Target{
		"fleet=fleet.example:7443":        {AppKey: appbur.AppKey{Namespace: "default", Name: "fleet"}, Address: "fleet.example:7443"},
		"fleet-system/fleet=unix:///x=y":  {AppKey: appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}, Address: "unix:///x=y"},
		"a/b=[::1]:7443":                  {AppKey: appbur.AppKey{Namespace: "a", Name: "b"}, Address: "[::1]:7443"},
		"orders.db=unix:///run/orders.so": {AppKey: appbur.AppKey{Namespace: "default", Name: "orders.db"}, Address: "unix:///run/orders.so"},
	} {
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "fleet", "=x", "fleet=", "/fleet=x", "a/=x", "a/b/c=x", "../x=y", "a b=x"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", text, got)
		}
	}
}

// A pod that is replaced leaves the application what it is, and a Service that is replaced does not.
func TestIdentityIsThatOfTheService(t *testing.T) {
	at := func(address, uid string) string {
		return Target{Address: address, Service: "shop/db", ServiceUID: uid}.Identity()
	}
	if at("10.0.0.1:1", "a") != at("10.0.0.2:1", "a") || at("10.0.0.1:1", "a") == at("10.0.0.1:1", "b") {
		t.Error("it follows the address, or not the Service")
	}
	if (Target{Address: "x:1"}).Identity() != "x:1" {
		t.Error("an address that was given is not what it was")
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
