package configuration_test

import (
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
)

// A schedule asks the applications that it names, and those ask to be asked by some schedules only.
func TestWhichApplicationsAScheduleAsks(t *testing.T) {
	file, err := configuration.Parse([]byte(head+`points:
  schedules:
  - {name: hourly, cron: "@hourly", apps: [fleet-system/fleet, team-*/*]}
  - {name: nightly, cron: "@daily"}
  - {name: weekly, cron: "@weekly", apps: [keycloak]}
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		due, app, own string
		asked         bool
	}{
		{"", "fleet-system/fleet", "", true}, // somebody asked for the point
		{"", "fleet-system/fleet", "nightly", true},
		{"hourly", "fleet-system/fleet", "", true},
		{"hourly", "team-a/orders", "", true},
		{"hourly", "shop/orders", "", false},
		{"hourly", "fleet-system/other", "", false},
		{"hourly", "fleet-system/fleet", "nightly", false},
		{"hourly nightly", "fleet-system/fleet", "nightly", true},
		{"nightly", "shop/orders", "", true},
		{"nightly", "shop/orders", "hourly weekly", false},
		{"hourly weekly", "shop/orders", "", false},
		{"weekly", "any/keycloak", "", true},
		{"nightly", "shop/orders", "yearly", true}, // there is none: it asks as if it had not said so
		{"nightly", "shop/orders", "yearly nightly", true},
		{"nightly", "shop/orders", "yearly hourly", false},
	} {
		namespace, name, _ := strings.Cut(test.app, "/")
		asked := file.Value.Points.Asks(strings.Fields(test.due), appbur.AppKey{Namespace: namespace, Name: name}, strings.Fields(test.own))
		if asked != test.asked {
			t.Errorf("%q asks %s, which says %q: %t", test.due, test.app, test.own, asked)
		}
	}
}

func TestAMalformedPatternIsTold(t *testing.T) {
	_, err := configuration.Parse([]byte(head+"points:\n  schedules:\n  - {name: hourly, cron: '@hourly', apps: ['team-[a/*']}\n"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "line 5") || !strings.Contains(err.Error(), "team-[a/*") {
		t.Errorf("got %v", err)
	}
}
