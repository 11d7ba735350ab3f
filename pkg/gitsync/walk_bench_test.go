package gitsync_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

const historyLength = 10_000

// longHistory is 1,000 manifests in 20 namespaces and 10,000 commits, each of which
// changes the first manifest or, but for one in a hundred, another one. Stock git
// packs it, as maintenance does.
func longHistory(b *testing.B, always bool) (*gitsync.Repository, string) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "repo.git")
	git(b, b.TempDir(), "init", "-q", "--bare", dir)
	var in strings.Builder
	path := func(i int) string { return fmt.Sprintf("namespaces/ns-%d/configmap/settings-%d.yaml", i%20, i) }

	body := func(i, version int) string {
		_, data := manifest(i)
		lines := strings.Split(string(data), "\n")
		lines[2+version%16] = fmt.Sprintf("  setting-%02d: \"version %d\"", version%16, version)
		return strings.Join(lines, "\n")
	}

	for n := range historyLength {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter c <c@example.com> %d +0000\ndata 7\nChange\n\n", 1_700_000_000+n*60)
		if n == 0 {
			for i := range 1000 {
				text := body(i, 0)
				fmt.Fprintf(&in, "M 644 inline %s\ndata %d\n%s\n", path(i), len(text), text)
			}
			continue
		}
		i := 0
		if !always && n%100 != 0 {
			i = 1 + n%999
		}
		text := body(i, n)
		fmt.Fprintf(&in, "M 644 inline %s\ndata %d\n%s\n", path(i), len(text), text)
	}

	gitIn(b, dir, in.String(), "fast-import", "--quiet")
	git(b, dir, "repack", "-adfq")
	if err := os.RemoveAll(filepath.Join(dir, "objects", "info", "commit-graph")); err != nil {
		b.Fatal(err)
	}
	return open(b, dir), path(0)
}

// BenchmarkHistory asks for the history and the blame of one file after 10,000
// commits, beside stock git.
func BenchmarkHistory(b *testing.B) {
	for _, test := range []struct {
		name   string
		always bool
	}{{"changed by each commit", true}, {"changed by one in 100", false}} {
		r, path := longHistory(b, test.always)
		head := tip(b, r)

		pattern := []gitsync.Pattern{gitsync.ExactPath(path)}
		b.Run(test.name+"/log", func(b *testing.B) {
			for b.Loop() {
				for _, err := range r.Walk(b.Context(), head, gitsync.WalkOptions{Patterns: pattern}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})

		b.Run(test.name+"/git log", func(b *testing.B) {
			for b.Loop() {
				git(b, r.Dir(), "log", "--format=%H", "main", "--", path)
			}
		})

		b.Run(test.name+"/blame", func(b *testing.B) {
			for b.Loop() {
				if _, _, err := r.Blame(b.Context(), head, path); err != nil {
					b.Fatal(err)
				}
			}
		})

		b.Run(test.name+"/git blame", func(b *testing.B) {
			for b.Loop() {
				git(b, r.Dir(), "blame", "--porcelain", "main", "--", path)
			}
		})

		b.Run(test.name+"/log of everything", func(b *testing.B) {
			for b.Loop() {
				for _, err := range r.Walk(b.Context(), head, gitsync.WalkOptions{}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})

		b.Run(test.name+"/git log of everything", func(b *testing.B) {
			for b.Loop() {
				git(b, r.Dir(), "log", "--format=%H", "--name-only", "main")
			}
		})
	}
}
