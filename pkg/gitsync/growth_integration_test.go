//go:build integration

package gitsync_test

import (
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// What a change of one file adds once it was maintained.
func TestGrowthPerCommit(t *testing.T) {
	const files, commits, most = 10_000, 600, 2 << 10
	for name, every := range map[string]int{"once": commits, "often": 100} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			grow(t, r, files, 0)
			before := maintain(t, r, gitsync.MaintainOptions{}).BytesAfter
			var after gitsync.MaintainReport
			for range commits / every {
				grow(t, r, files, every)
				after = maintain(t, r, gitsync.MaintainOptions{})
			}
			growth := (after.BytesAfter - before) / commits
			t.Logf("%d bytes per commit, %+v", growth, after)
			if growth > most {
				t.Errorf("%d bytes per commit, want at most %d", growth, most)
			}
		})
	}
}
