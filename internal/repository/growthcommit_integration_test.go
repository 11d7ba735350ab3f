//go:build integration

package repository

import (
	"fmt"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// What a change of one object among 10,000 adds to the repository once it was
// maintained, as users have it: signed commits with trailers, by the writer.
func TestGrowthPerSignedCommit(t *testing.T) {
	const objects, commits = 10_000, 600
	for _, c := range []struct {
		name  string
		every int
		most  int64
	}{{"once", commits, 2 << 10}, {"every 100 commits", 100, 2 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			rules := f.rules()
			random := mathrand.New(mathrand.NewPCG(1, 2))

			w := f.begin()
			put := func(n int, revision uint64) {
				data := map[string]any{"revision": fmt.Sprint(revision), "token": token(n)}
				for i := range 8 {
					data[fmt.Sprintf("setting-%d.conf",
						i)] = fmt.Sprintf("user = team-%d\nlevel = %x\nretries = %d\n# kept for the team that owns object %d\n", n%97, uint32(n)*2654435761+uint32(i), n%7, n)
				}

				result, err := rules.Make(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
					"name": fmt.Sprintf("settings-%d", n), "namespace": fmt.Sprintf("team-%d", n%100),
					"labels": map[string]any{"app.kubernetes.io/name": fmt.Sprintf("app-%d", n%37), "app.kubernetes.io/managed-by": "platform"},
				}, "data": data})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Put(result); err != nil {
					t.Fatal(err)
				}
			}

			commit := func() {
				f.time = f.time.Add(7 * time.Second)
				if _, err := w.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil {
					t.Fatal(err)
				}
			}

			maintain := func() int64 {
				report, err := f.repo.Maintain(t.Context(), gitsync.MaintainOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return report.BytesAfter
			}

			for n := range objects {
				put(n, random.Uint64())
			}
			commit()
			before := maintain()

			after := before
			for n := range commits {
				put(random.IntN(objects), random.Uint64())
				commit()
				if (n+1)%c.every == 0 {
					after = maintain()
				}
			}

			growth := (after - before) / commits
			t.Logf("%d bytes per commit", growth)
			if growth > c.most {
				t.Errorf("%d bytes per commit, want at most %d", growth, c.most)
			}
		})
	}
}
