package gitsync_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// One odd tag, and names that are none, end no list, push, clone or maintenance.
func TestOddNamesEndNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repo.git")
	git(t, t.TempDir(), "init", "-q", "--bare", "-b", "main", dir)
	work := t.TempDir()
	git(t, work, "clone", "-q", dir, ".")
	git(t, work, "commit", "-q", "--allow-empty", "-m", "x")
	git(t, work, "push", "-q", "origin", "HEAD:main")
	main := strings.TrimSpace(git(t, dir, "rev-parse", "main"))
	for _, name := range []string{"restore-points/@", "restore-points/20261121T030238Z"} {
		git(t, dir, "update-ref", "refs/tags/"+name, main)
	}
	git(t, dir, "pack-refs", "--all")

	// What git itself refuses to make, somebody's program may have left.
	packed := filepath.Join(dir, "packed-refs")
	data, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"refs/tags/restore-points/../../../config", "refs/tags/restore-points/a b",
		"refs/tags/restore-points/\x1b[31m",
	} {
		data = append(data, main+" "+name+"\n"...)
	}
	loose := filepath.Join(dir, "refs", "tags", "restore-points")
	if err := os.MkdirAll(loose, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		packed: string(data), filepath.Join(loose, "x~1"): main + "\n",
		filepath.Join(loose, "leads"): "ref: refs/../../config\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	r, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := r.Tags("restore-points/")
	if err != nil {
		t.Fatal(err)
	}
	var names, damaged []string
	for _, tag := range tags {
		names = append(names, tag.Name)
		if tag.Damage != nil {
			damaged = append(damaged, tag.Name)
		}
	}
	want := []string{"restore-points/20261121T030238Z", "restore-points/@", "restore-points/leads"}
	if !slices.Equal(names, want) || !slices.Equal(damaged, want[2:]) {
		t.Errorf("tags are %q, damaged are %q", names, damaged)
	}

	// The check tells of them.
	report, err := gitsync.Check(t.Context(), dir, gitsync.CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, p := range report.Problems {
		told[p.Where] = true
	}
	for _, name := range []string{"refs/tags/restore-points/a b", "refs/tags/restore-points/x~1", "refs/tags/restore-points/leads"} {
		if !told[name] {
			t.Errorf("the check does not tell of %q: %+v", name, report.Problems)
		}
	}

	if err := os.Remove(filepath.Join(loose, "leads")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Maintain(t.Context(), gitsync.MaintainOptions{}); err != nil {
		t.Errorf("maintenance: %v", err)
	}
	there := filepath.Join(t.TempDir(), "there.git")
	git(t, t.TempDir(), "init", "-q", "--bare", "-b", "main", there)
	u, err := gitsync.ParseRemoteURL(there)
	if err != nil {
		t.Fatal(err)
	}
	remote := gitsync.Remote{Name: "there", URL: u}
	if _, err := r.Push(t.Context(), remote, gitsync.PushWhat{Branch: gitsync.MainRef, TagPrefix: "restore-points/"},
		gitsync.RemoteOptions{}); err != nil {
		t.Errorf("push: %v", err)
	}
	_, done, err := gitsync.Clone(t.Context(), filepath.Join(t.TempDir(), "clone"), remote, gitsync.MainRef, "restore-points/",
		gitsync.RemoteOptions{})
	if err != nil || done.Tags != 2 {
		t.Errorf("clone: %+v, %v", done, err)
	}
}
