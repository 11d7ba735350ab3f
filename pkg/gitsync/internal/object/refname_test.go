package object

import (
	"errors"
	"os/exec"
	"testing"
)

// refNames are what somebody may call a ref, in his own repository or on the wire.
var refNames = []string{
	"refs/heads/main", "refs/tags/restore-points/20261121T030238Z", "refs/tags/restore-points/@", "refs/tags/@", "refs/tags/a@b",
	"refs/tags/restore-points/-x", "refs/tags/ü", "refs/tags/\xff", "refs/tags/a.lockx", "refs/tags/{", "refs/tags/a@",
	"", "@", "main", "refs", "refs/", "/refs/x", "refs//x", "refs/tags/../../config", "refs/tags/.x", "refs/tags/x.", "refs/tags/x.lock",
	"refs/x.lock/y",
	"refs/tags/a b", "refs/tags/a\tb", "refs/tags/\x1b[31m", "refs/tags/\x7f", "refs/tags/a~1", "refs/tags/a^", "refs/tags/a:b",
	"refs/tags/a?", "refs/tags/a*",
	"refs/tags/[a]", `refs/tags/a\b`, "refs/tags/a@{1}", "refs/tags/a..b", "refs/tags/a\nb",
}

// The rule is git's own.
func TestRefNamesAsGitDoes(t *testing.T) {
	for _, name := range refNames {
		git := exec.Command("git", "check-ref-format", name).Run() == nil
		err := CheckRefName(name)
		if (err == nil) != git {
			t.Errorf("%q: git accepts it: %v, we say %v", name, git, err)
		}
		if err != nil && !errors.Is(err, ErrRefName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := CheckRefName("HEAD"); err != nil {
		t.Error(err)
	}
}

func FuzzRefName(f *testing.F) {
	for _, name := range refNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckRefName(name) == nil {
			for _, r := range name {
				if r <= ' ' || r == 0x7f {
					t.Errorf("%q is accepted", name)
				}
			}
		}
	})
}
