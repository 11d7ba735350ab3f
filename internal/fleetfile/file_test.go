package fleetfile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const head = "apiVersion: appbur.io/v1alpha1\nkind: Fleet\nclusters:\n"

func TestParse(t *testing.T) {
	got, err := Parse([]byte(head+`
- {name: eu-1, repository: "https://git.example/eu-1.git", keys: keys/eu-1, maxAge: 26h}
- {name: eu-2, repository: eu-2.git, trust: /etc/signers, credentials: tokens, daemon: "eu-2:9420"}
- {name: eu-3, repository: git@git.example:eu-3.git, allowPlaintext: true}
- {name: eu-4, config: eu-4.yaml}
`), "/fleet")
	if err != nil {
		t.Fatal(err)
	}
	want := []Cluster{
		{Name: "eu-1", Repository: "https://git.example/eu-1.git", Keys: "/fleet/keys/eu-1", MaxAge: 26 * time.Hour},
		{Name: "eu-2", Repository: "/fleet/eu-2.git", Trust: "/etc/signers", Credentials: "/fleet/tokens", Daemon: "eu-2:9420"},
		{Name: "eu-3", Repository: "git@git.example:eu-3.git", AllowPlaintext: true},
		{Name: "eu-4", Config: "/fleet/eu-4.yaml"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrongIsToldAtOnce(t *testing.T) {
	_, err := Parse([]byte(head+`
- {name: eu-1, repository: a.git, maxAge: soon}
- {name: "eu 2", repository: b.git}
- {name: eu-3}
- {name: eu-1, repository: d.git}
`), "")
	if err == nil {
		t.Fatal("it is accepted")
	}
	for _, want := range []string{"the maxAge of eu-1", `its name is "eu 2"`, "eu-3 has no repository", "another one is called eu-1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	for text, want := range map[string]string{
		"": "empty", head: "no clusters", "kind: Fleet\n": "not a Fleet of", head + "- {name: a, repo: b}\n": "repo",
		head + "- {name: a, repository: b}\n---\n{}\n": "second document",
	} {
		if _, err := Parse([]byte(text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What is accepted has names of its own, and says where each backup is.
func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "- {name: eu-1, repository: a.git, maxAge: 26h}\n"))
	f.Add([]byte(head + "- {name: eu-1, config: a}\n- {name: eu-2, repository: \"https://x\"}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		clusters, err := Parse(text, "/d")
		seen := make(map[string]bool)
		for _, c := range clusters {
			if err == nil && (c.Name == "" || seen[c.Name] || c.Repository+c.Config == "" || c.MaxAge < 0) {
				t.Errorf("%+v", c)
			}
			seen[c.Name] = true
		}
	})
}
