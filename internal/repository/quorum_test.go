package repository

import (
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// All remotes are required unless the setting says how many.
func TestRequiredRemotes(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"a", "b", "c"} {
		url, err := gitsync.ParseRemoteURL(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.repo.AddRemote(t.Context(), Remote{Name: name, URL: url}); err != nil {
			t.Fatal(err)
		}
	}

	for _, step := range []struct{ set, want int }{{2, 2}, {0, 0}, {AllRemotes, 3}} {
		if err := f.repo.RequireRemotes(t.Context(), step.set); err != nil {
			t.Fatal(err)
		}
		if got, err := f.repo.RequiredRemotes(); err != nil || got != step.want {
			t.Errorf("after %d: %d, %v, want %d", step.set, got, err, step.want)
		}
	}

	if err := f.repo.RequireRemotes(t.Context(), -2); err == nil {
		t.Error("-2 was accepted")
	}
	for _, text := range []string{"-1", "many"} {
		if err := f.repo.git.SetSetting(t.Context(), quorumSetting, text); err != nil {
			t.Fatal(err)
		}
		if n, err := f.repo.RequiredRemotes(); err == nil {
			t.Errorf("%s was read as %d", text, n)
		}
	}
}
