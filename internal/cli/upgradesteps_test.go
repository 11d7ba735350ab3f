package cli

import (
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/upgrade"
	"github.com/appbur/appbur/pkg/compat"
)

// What a step is about has to be there.
func TestUpgradeStepsThatAreNotNeededAreLeftOut(t *testing.T) {
	app := upgrade.App{Application: appbur.AppKey{Namespace: "shop", Name: "orders"}, Address: "orders:7443", Datasets: []upgrade.Dataset{}}
	for _, c := range []struct {
		name  string
		facts upgrade.Facts
		want  string
		says  []string
	}{
		{
			name: "objects alone", facts: upgrade.Facts{To: appbur.KubeVersion{Major: 1, Minor: 37}},
			want: "rehearse build freeze save compare restore verify serve adopt retire",
			says: []string{"appbur restore latest --kubeconfig new.yaml --repo './our backups.git' --activate later"},
		},
		{
			name: "everything",
			facts: upgrade.Facts{
				To: appbur.KubeVersion{Major: 1, Minor: 37}, Counts: map[compat.VerdictKind]int{compat.Blocked: 1},
				Apps: []upgrade.App{app}, Acting: []upgrade.Acting{{Controller: "flux", Objects: 1}},
			},
			want: "clear rehearse build freeze pause save compare restore verify release serve adopt retire",
			says: []string{
				"appbur drill latest --kubernetes 1.37 --repo './our backups.git' --app shop/orders=orders:7443",
				"appbur backup --repo './our backups.git' --kubeconfig old.yaml --app shop/orders=ADDRESS --durability pushed",
			},
		},
	} {
		var ids, commands []string
		for _, s := range stepsOf(upgrade.New(c.facts), upgradeNames{repository: "./our backups.git", older: "old.yaml", newer: "new.yaml"}) {
			ids, commands = append(ids, s.ID), append(commands, s.Commands...)
			if s.Proves == "" || s.Again == "" || s.Do == "" || strings.ContainsAny(s.Do+s.Proves+s.Again, "{}") {
				t.Errorf("%s: %s says too little: %+v", c.name, s.ID, s)
			}
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		all := strings.Join(commands, "\n") + "\n"
		for _, want := range c.says {
			if !strings.Contains(all, want+"\n") {
				t.Errorf("%s: %s is missing in\n%s", c.name, want, all)
			}
		}
	}
}

// The commands of every step are commands with the flags that they name.
func TestUpgradeStepsAreCommands(t *testing.T) {
	root := newRoot(&env{Streams: &Streams{}, getenv: func(string) string { return "" }})
	for _, s := range upgradeSteps {
		for _, command := range s.commands {
			command = strings.NewReplacer("{rules}", " --pause-rules x", "{newapps}", " --app a=b", "{apps}", " --app a=b").Replace(command)
			words := strings.Fields(command)[1:]
			found, rest, err := root.Find(words)
			if err != nil || found == root {
				t.Errorf("%s: %s: %v", s.id, command, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %s: %v", s.id, command, err)
			}
		}
	}
}
