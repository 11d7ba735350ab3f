package gitsync_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

const benchmarkFiles = 20_000

// manifest is a ConfigMap of about 1.3 KB, different for every i.
func manifest(i int) (path string, data []byte) {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\ndata:\n")
	for k := range 16 {
		fmt.Fprintf(&b, "  setting-%02d: \"%x\"\n", k, uint64(i+1)*0x9e3779b97f4a7c15>>k^uint64(k*i)*0xbf58476d1ce4e5b9)
	}
	b.WriteString("  text: |\n")
	for line := range 10 {
		fmt.Fprintf(&b, "    line %d of the file that application %d reads at its start\n", line, i)
	}
	fmt.Fprintf(&b, "kind: ConfigMap\nmetadata:\n  name: settings-%d\n  namespace: ns-%d\n", i, i%100)
	return fmt.Sprintf("namespaces/ns-%d/configmap/settings-%d.yaml", i%100, i), []byte(b.String())
}

// fill puts n manifests from as many goroutines as an exporter would.
func fill(t testing.TB, e *gitsync.Edit, n int) {
	t.Helper()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				path, data := manifest(i)
				if _, err := e.Put(path, data); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

func BenchmarkInitialCommit(b *testing.B) {
	for b.Loop() {
		r, err := gitsync.Init(filepath.Join(b.TempDir(), "r.git"))
		if err != nil {
			b.Fatal(err)
		}
		e := edit(b, r, "")
		fill(b, e, benchmarkFiles)
		commit(b, r, e, "initial")
	}
}

// BenchmarkFastImport is stock git on the same bytes.
func BenchmarkFastImport(b *testing.B) {
	var in strings.Builder
	fmt.Fprintf(&in, "commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 1\nx\n")
	for i := range benchmarkFiles {
		path, data := manifest(i)
		fmt.Fprintf(&in, "M 644 inline %s\ndata %d\n%s\n", path, len(data), data)
	}
	for b.Loop() {
		dir := b.TempDir()
		git(b, dir, "init", "-q", "--bare")
		gitIn(b, dir, in.String(), "fast-import", "--quiet")
	}
}

func BenchmarkReadAll(b *testing.B) {
	r := newRepository(b)
	e := edit(b, r, "")
	fill(b, e, benchmarkFiles)
	head := commit(b, r, e, "initial")
	read := func(b *testing.B) {
		for b.Loop() {
			var bytes atomic.Int64
			err := snapshot(b, r, head).ReadAll(b.Context(), "", func(_ string, data []byte) error {
				bytes.Add(int64(len(data)))
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(bytes.Load())
		}
	}
	b.Run("as written", read)
	// With deltas, as stock git packs them.
	git(b, r.Dir(), "repack", "-adfq")
	b.Run("repacked", read)
}

// BenchmarkSmallCommit changes one file of many.
func BenchmarkSmallCommit(b *testing.B) {
	for _, n := range []int{1000, benchmarkFiles} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newRepository(b)
			e := edit(b, r, "")
			fill(b, e, n)
			commit(b, r, e, "initial")
			path, _ := manifest(0)
			for i := 0; b.Loop(); i++ {
				put(b, e, path, fmt.Sprint(i))
				commit(b, r, e, "one")
			}
		})
	}
}
