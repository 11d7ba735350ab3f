package repository

import (
	"strings"
	"testing"
)

const edited = `# our management cluster
format: 1
repository: 0011223344556677
cluster:
  id: c1 # the old one
  kubernetesVersion: 1.24.17
rulesVersion: "1"
recipients:
  - age1first # operations
  - age1second
guards:
  floor: 50 # teams come and go
`

// What people wrote stays when appbur writes the file again; only the values that
// it owns change.
func TestConfigKeepsWhatPeopleWrote(t *testing.T) {
	c, err := ParseConfig([]byte(edited))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Limits{Share: 0.5, Floor: 50, KindShare: 0.9, KindFloor: 20}); c.Guards == nil || *c.Guards != want {
		t.Errorf("guards %+v, want %+v", c.Guards, want)
	}

	same, err := c.encode()
	if err != nil || string(same) != edited {
		t.Errorf("unchanged, it is written as (%v)\n%s", err, same)
	}
	c.Cluster.Version = "1.37.1"
	c.Rules = "2"
	changed, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}

	for _, line := range []string{
		"# our management cluster", "- age1first # operations", "floor: 50 # teams come and go",
		"kubernetesVersion: 1.37.1", `rulesVersion: "2"`,
	} {
		if !strings.Contains(string(changed), line) {
			t.Errorf("the file lost %q:\n%s", line, changed)
		}
	}

	again, err := ParseConfig(changed)
	if err != nil || again.Cluster != c.Cluster || again.Rules != "2" {
		t.Errorf("written and read, it is %+v (%v)", again, err)
	}
}

// A recipient that is listed twice stands where somebody else was meant to be.
func TestParseConfigRefusesRecipientTwice(t *testing.T) {
	for _, second := range []string{"age1first", "AGE1FIRST", "\"age1first \""} {
		_, err := ParseConfig([]byte("format: 1\nrepository: 0011223344556677\nrecipients:\n  - age1first # operations\n  - age1second\n  - " +
			second + "\n"))
		if err == nil || !strings.Contains(err.Error(), "line 6") || !strings.Contains(err.Error(), "line 4") || nextStep(err) == "" {
			t.Errorf("%s: %v", second, err)
		}
	}
}

func TestParseConfigNamesTheLine(t *testing.T) {
	base := "format: 1\nrepository: 0011223344556677\nrecipients: [age1x]\n"
	if _, err := ParseConfig([]byte(base)); err != nil {
		t.Fatal(err)
	}

	for text, says := range map[string]string{
		"":                                          "empty",
		base + "recipent: y\n":                      "line 4",
		base + "guards:\n  flor: 3\n":               "line 5",
		base + "guards:\n  share: 2\n":              "share",
		base + "guards:\n  floor: many\n":           "line 5",
		"format: 2\n" + base[10:]:                   "format 2",
		"format: 1\nrepository: 0011223344556677\n": "recipients",
		"format: 1\nrecipients: [age1x]\n":          "repository id",
		"- format\n":                                "line 1",
		"format: 1\nformat: 1\n":                    "line 2",
		base + "cluster: {id: a, name: b}\n":        "line 4",
	} {
		if c, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v; want an error with %q", text, c, err, says)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(edited))
	f.Add([]byte("format: 1\nrepository: 0011223344556677\nrecipients: [age1x]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			return
		}
		written, err := c.encode()
		if err != nil {
			t.Fatalf("accepted, but cannot be written: %v", err)
		}
		if _, err := ParseConfig(written); err != nil {
			t.Fatalf("written, it cannot be read: %v\n%s", err, written)
		}
	})
}
