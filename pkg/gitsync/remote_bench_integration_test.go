//go:build integration

package gitsync_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// BenchmarkPush pushes to a directory, which git serves in either case.
func BenchmarkPush(b *testing.B) {
	r := filled(b, benchmarkFiles)
	b.Run("everything/appbur", func(b *testing.B) {
		for b.Loop() {
			push(b, r, localPlace(b))
		}
	})
	b.Run("everything/git", func(b *testing.B) {
		for b.Loop() {
			git(b, r.Dir(), "push", "-q", testremote.Bare(b), "main")
		}
	})

	for _, pusher := range []string{"appbur", "git"} {
		b.Run("one commit/"+pusher, func(b *testing.B) {
			p := localPlace(b)
			push(b, r, p)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				addCommit(b, r, map[string]string{"namespaces/ns-1/configmap/one.yaml": fmt.Sprint(pusher, i)})
				b.StartTimer()
				if pusher == "git" {
					git(b, r.Dir(), "push", "-q", p.bare, "main")
				} else {
					push(b, r, p)
				}
			}
		})
	}
}

// BenchmarkClone clones a repository of which git made deltas.
func BenchmarkClone(b *testing.B) {
	r := filled(b, benchmarkFiles)
	for i := range 200 {
		path, data := manifest(i)
		addCommit(b, r, map[string]string{path: string(data) + "# changed\n"})
	}

	p := localPlace(b)
	push(b, r, p)
	git(b, p.bare, "repack", "-adfq")

	b.Run("appbur", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := gitsync.Clone(b.Context(), filepath.Join(b.TempDir(), "c.git"), p.remote, gitsync.MainRef, "",
				gitsync.RemoteOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})

	b.Run("git", func(b *testing.B) {
		for b.Loop() {
			// file:// makes git use the protocol and not hard links.
			git(b, b.TempDir(), "clone", "-q", "--bare", "file://"+p.bare, "c.git")
		}
	})
}
