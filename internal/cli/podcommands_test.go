package cli

import (
	"slices"
	"testing"

	"github.com/appbur/appbur/internal/apps"
)

// The rights that commands in pods need are asked for in the namespaces in which their pods are, each once, and nowhere else.
func TestCommandsAskForTheirRights(t *testing.T) {
	saved := savedApps("shop/db", "shop/orders", "auth/users", "git/forge")
	target := func(namespace, name, address string) apps.Target {
		t := apps.Target{Address: address}
		t.Namespace, t.Name = namespace, name
		return t
	}
	pods := func(namespace string) []string {
		return []string{"get pods in " + namespace, "list pods in " + namespace, "create pods/exec in " + namespace}
	}
	configMaps := func(namespace string) []string {
		return []string{"get configmaps in " + namespace, "list configmaps in " + namespace}
	}

	for _, test := range []struct {
		name     string
		targets  []apps.Target
		declared []string
		maps     []string
		want     []string
	}{
		{name: "no commands", targets: []apps.Target{target("shop", "db", "db.example:7443")}},
		{
			name: "two of a namespace", want: pods("shop"),
			targets: []apps.Target{target("shop", "db", "commands:db.yaml"), target("shop", "orders", "commands:orders.yaml")},
		},
		{
			name: "in another namespace", maps: []string{"shop=store"}, want: pods("store"),
			targets: []apps.Target{target("shop", "db", "commands:db.yaml")},
		},
		{
			name: "declared", declared: []string{"auth,other"}, want: slices.Concat(configMaps("auth"), pods("auth")),
			targets: []apps.Target{target("git", "forge", "")},
		},
		{
			name: "an address that is given is not looked for", declared: []string{"auth"},
			targets: []apps.Target{target("auth", "users", "users.example:7443")},
		},
	} {
		o := commandOptions{commands: test.declared}
		var got []string
		for _, right := range o.commandRights(saved, test.targets, mapping(t, test.maps...)) {
			got = append(got, right.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
