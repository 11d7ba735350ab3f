package fleetfile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnEntryStandsForAllPartsOfARemote(t *testing.T) {
	list, err := Parse([]byte(head+`
- name: prod
  repository: "https://git.example/fleet.git#clusters/*"
  keys: keys/*
  credentials: token
  daemon: "*.example:9420"
  retired: [eu-3]
- {name: one, repository: "git@git.example:fleet.git#other/x"}
`), "/fleet")
	if err != nil || len(list) != 2 || !list[0].Many() || list[1].Many() {
		t.Fatalf("%+v, %v", list, err)
	}

	parts := []string{"clusters/eu-1", "clusters/eu-2", "clusters/eu-2/edge", "clustersx/y", "other/x", "clusters"}
	want := []Cluster{
		{
			Name: "prod/eu-1", Repository: "https://git.example/fleet.git#clusters/eu-1", Keys: "/fleet/keys/eu-1",
			Credentials: "/fleet/token", Daemon: "eu-1.example:9420",
		},
		{
			Name: "prod/eu-2", Repository: "https://git.example/fleet.git#clusters/eu-2", Keys: "/fleet/keys/eu-2",
			Credentials: "/fleet/token", Daemon: "eu-2.example:9420",
		},
	}
	if diff := cmp.Diff(want, list[0].Each(parts)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(list[1:], list[1].Each(parts)); diff != "" {
		t.Error(diff)
	}
}

// A part that a remote had is missed by the entry that stands for it, unless it is retired.
func TestWhichPartsAreMissed(t *testing.T) {
	list, err := Parse([]byte(head+"- {name: prod, repository: \"https://git.example/fleet.git#clusters/*\", retired: [eu-3]}\n"), "/fleet")
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]bool{
		"clusters/eu-1": true, "clusters/eu-3": false, "clusters/eu-1/edge": false, "other/eu-1": false, "clusters/": false,
	} {
		if got := list[0].Misses(part); got != want {
			t.Errorf("%s is missed: %t", part, got)
		}
	}
	if _, err := Parse([]byte(head+"- {name: a, repository: a.git, retired: [eu-3]}\n"), "/fleet"); err == nil {
		t.Error("one cluster has retired ones")
	}
}

func TestAStarElsewhereIsRefused(t *testing.T) {
	for _, place := range []string{
		"https://git.example/*.git", "https://git.example/fleet.git#clusters/eu-*", "https://git.example/fleet.git#*/x", "*.git",
		"https://git.example/*.git#clusters/*", "fleet.git#clusters/*",
	} {
		if list, err := Parse([]byte(head+"- {name: a, repository: \""+place+"\"}\n"), "/d"); err == nil {
			t.Errorf("%s: %+v", place, list)
		}
	}
}
