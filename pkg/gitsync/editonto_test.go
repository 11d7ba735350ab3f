package gitsync_test

import (
	"maps"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// What is kept comes from the edit, whether it was changed or not; all else is the
// commit's.
func TestOnto(t *testing.T) {
	for _, base := range []string{"nothing", "an older commit"} {
		t.Run(base, func(t *testing.T) {
			r := newRepository(t)
			e := edit(t, r, gitsync.Hash{})
			put(t, e, "apps/a/1", "old")
			put(t, e, "apps/b/1", "same")
			put(t, e, "index/1", "old")
			put(t, e, "left", "behind")
			start := commit(t, r, e, "start")
			var from gitsync.Hash
			if base != "nothing" {
				from = start
			}
			gathered := edit(t, r, from)
			put(t, gathered, "apps/a/1", "new")

			put(t, e, "cluster/x", "x")
			mustRemove(t, e.Remove, "left")
			tip := commit(t, r, e, "main moves on")
			if err := gathered.Onto(tip, "apps", "coverage"); err != nil {
				t.Fatal(err)
			}
			put(t, gathered, "coverage/1", "c")
			made, _, err := r.CommitAndTag(t.Context(), "point", gathered, tip, info("point"), tagInfo("point", nil))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"apps/a/1": "new", "index/1": "old", "cluster/x": "x", "coverage/1": "c"}
			if !from.IsZero() {
				want["apps/b/1"] = "same"
			}
			if got := contents(t, r, made); !maps.Equal(got, want) {
				t.Errorf("the commit holds %v, want %v", got, want)
			}
			if gathered.Base() != made {
				t.Error("the edit does not go on from the commit")
			}
			fsck(t, r.Dir())
		})
	}
}
