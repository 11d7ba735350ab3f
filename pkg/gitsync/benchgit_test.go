package gitsync_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

// Each of these benchmarks does the same work with this package and with stock
// git, in turn, and reports the seconds of both and their ratio.

// timed returns how long a piece of work takes.
func timed(work func()) time.Duration {
	begin := time.Now()
	work()
	return time.Since(begin)
}

func compare(b *testing.B, ours, stock time.Duration) {
	b.Helper()
	b.ReportMetric(ours.Seconds()/float64(b.N), "ours-s")
	b.ReportMetric(stock.Seconds()/float64(b.N), "git-s")
	b.ReportMetric(ours.Seconds()/stock.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkInitialCommit(b *testing.B) {
	for _, n := range []int{benchmarkFiles, 5 * benchmarkFiles} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var in strings.Builder
			fmt.Fprintf(&in, "commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 1\nx\n")

			for i := range n {
				path, data := manifest(i)
				fmt.Fprintf(&in, "M 644 inline %s\ndata %d\n%s\n", path, len(data), data)
			}

			var ours, stock time.Duration
			for range b.N {
				dir := b.TempDir()
				ours += timed(func() {
					r, err := gitsync.Init(filepath.Join(dir, "r.git"))
					if err != nil {
						b.Fatal(err)
					}
					e := edit(b, r, gitsync.Hash{})
					fill(b, e, n)
					commit(b, r, e, "initial")
				})

				stock += timed(func() {
					git(b, dir, "init", "-q", "--bare", "stock.git")
					gitIn(b, filepath.Join(dir, "stock.git"), in.String(), "fast-import", "--quiet")
				})
			}

			compare(b, ours, stock)
		})
	}
}

// BenchmarkSmallCommit changes one file of many, in a small and in a large
// repository in turn, and reports the ratio of the medians.
func BenchmarkSmallCommit(b *testing.B) {
	type subject struct {
		r     *gitsync.Repository
		e     *gitsync.Edit
		times []time.Duration
	}
	sizes := []int{1000, 5 * benchmarkFiles}

	var subjects []*subject
	for _, n := range sizes {
		r := newRepository(b)
		e := edit(b, r, gitsync.Hash{})
		fill(b, e, n)
		commit(b, r, e, "initial")
		subjects = append(subjects, &subject{r: r, e: e})
	}

	b.ResetTimer()
	for range b.N {
		for k, s := range subjects {
			path, data := manifest(rand.IntN(sizes[k]))
			s.times = append(s.times, timed(func() {
				put(b, s.e, path, fmt.Sprint(rand.Uint64(), string(data)))
				commit(b, s.r, s.e, "one")
			}))
		}
	}

	small, large := median(subjects[0].times), median(subjects[1].times)
	b.ReportMetric(small.Seconds()*1e3, "small-ms")
	b.ReportMetric(large.Seconds()*1e3, "large-ms")
	b.ReportMetric(large.Seconds()/small.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

func copyRepository(b testing.TB, from string) *gitsync.Repository {
	b.Helper()
	to := filepath.Join(b.TempDir(), "copy.git")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		b.Fatal(err)
	}
	r, err := gitsync.Open(to)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// packBytes is what the directory of packs takes.
func packBytes(b *testing.B, dir string) (sum int64) {
	b.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		sum += info.Size()
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

// BenchmarkMaintenance packs a repository of 10,000 files and 300 commits.
func BenchmarkMaintenance(b *testing.B) {
	source := newRepository(b)
	grow(b, source, benchmarkFiles/2, 300)
	clone := func(dir string) func() {
		return func() { git(b, b.TempDir(), "clone", "-q", "--bare", "file://"+dir, "clone.git") }
	}

	for range b.N {
		before := timed(clone(source.Dir()))
		r := copyRepository(b, source.Dir())
		ours := timed(func() { maintain(b, r, gitsync.MaintainOptions{Full: true}) })
		after := timed(clone(r.Dir()))
		b.ReportMetric(float64(packBytes(b, source.Dir()))/1e6, "before-MB")
		b.ReportMetric(ours.Seconds(), "ours-s")
		b.ReportMetric(float64(packBytes(b, r.Dir()))/1e6, "ours-MB")
		for name, command := range map[string][]string{"repack": {"repack", "-adq"}, "gc": {"gc", "-q"}} {
			stock := copyRepository(b, source.Dir())
			b.ReportMetric(timed(func() { git(b, stock.Dir(), command...) }).Seconds(), name+"-s")
			b.ReportMetric(float64(packBytes(b, stock.Dir()))/1e6, name+"-MB")
		}
		b.ReportMetric(before.Seconds(), "clone-before-s")
		b.ReportMetric(after.Seconds(), "clone-after-s")
	}

	b.ReportMetric(0, "ns/op")
}

// BenchmarkLog reads long histories with stock git, as they were packed by this
// package and with git's own commit graph on top.
func BenchmarkLog(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newRepository(b)
			var in strings.Builder
			for i := range n {
				fmt.Fprintf(&in, "commit refs/heads/main\ncommitter a <a@b> %d +0000\ndata 100\n%0100d\n", 1_700_000_000+i*10, i)
				path, _ := manifest(i % 1000)
				fmt.Fprintf(&in, "M 644 inline %s\ndata 20\n%020d\n", path, i)
			}

			gitIn(b, r.Dir(), in.String(), "fast-import", "--quiet")
			r, err := gitsync.Open(r.Dir())
			if err != nil {
				b.Fatal(err)
			}
			path, _ := manifest(7)
			clone := func() {
				git(b, b.TempDir(), "clone", "-q", "--bare", "file://"+r.Dir(), "clone.git")
			}

			for range b.N {
				git(b, r.Dir(), "repack", "-adq")
				b.ReportMetric(timed(clone).Seconds(), "clone-of-git-s")
				b.ReportMetric(timed(func() { maintain(b, r, gitsync.MaintainOptions{}) }).Seconds(), "maintain-s")
				measure := func(name string) {
					b.ReportMetric(timed(func() { git(b, r.Dir(), "log", "--format=%H %s") }).Seconds(), "log-"+name+"-s")
					b.ReportMetric(timed(func() { git(b, r.Dir(), "log", "-20") }).Seconds(), "log-20-"+name+"-s")
					b.ReportMetric(timed(func() { git(b, r.Dir(), "log", "--format=%H", "--", path) }).Seconds(), "log-path-"+name+"-s")
				}
				measure("packed")
				b.ReportMetric(timed(clone).Seconds(), "clone-of-ours-s")
				b.ReportMetric(timed(func() { git(b, r.Dir(), "commit-graph", "write", "--reachable") }).Seconds(), "graph-s")
				measure("graph")
			}

			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
