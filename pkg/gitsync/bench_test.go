package gitsync_test

import (
	"fmt"
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

func BenchmarkReadAll(b *testing.B) {
	r := newRepository(b)
	e := edit(b, r, gitsync.Hash{})
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
