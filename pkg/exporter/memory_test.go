package exporter

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur/pkg/manifest"
)

// crowd serves ConfigMaps of about 1 KiB that it makes up for each page, and measures
// what is alive in the process while they are read. The server is part of the
// process; it keeps nothing.
type crowd struct {
	objects int
	// padding makes each object larger.
	padding int

	mutex sync.Mutex
	// live are samples of the live heap in bytes, evenly spread over the list.
	live []uint64
	// pages counts the pages, and largest is the size of the largest.
	pages   int
	largest int
}

const samples = 10

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	to := min(from+limit, c.objects)
	if from*samples/c.objects != to*samples/c.objects {
		c.sample()
	}
	next := ""

	if to < c.objects {
		next = strconv.Itoa(to)
	}
	w.Header().Set("Content-Type", "application/json")
	size := 0
	write := func(format string, args ...any) {
		n, _ := fmt.Fprintf(w, format, args...)
		size += n
	}
	write(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":%q},"items":[`, next)

	for i := from; i < to; i++ {
		if i > from {
			write(",")
		}
		sum := fnv.New32a()
		fmt.Fprint(sum, i)
		write(`{"metadata":{"name":"settings-%06d-%08x","namespace":"tenant-%04d","uid":"2f1e8c5a-0b6d-4c9e-9d3b-%012d","resourceVersion":"%d","creationTimestamp":"2026-01-01T00:00:00Z",`+
			`"managedFields":[{"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:text":{}}}}]},"data":{"text":%q}}`,
			i, sum.Sum32(), i/1000, i, i, strings.Repeat("a line of text\n", 50+c.padding/15))
	}

	write("]}")
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.pages++
	c.largest = max(c.largest, size)
}

func (c *crowd) sample() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.live = append(c.live, liveHeap())
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// capture reads all objects and forgets them. It returns what was alive before.
func (c *crowd) capture(t testing.TB, opts Options) uint64 {
	f := newFakeServer(t)
	f.on(configMaps, c.ServeHTTP)
	e := f.exporter(opts)
	c.live = nil
	before := liveHeap()
	coverage, err := e.Capture(t.Context(), func(Type, manifest.Result) error { return nil })
	if err != nil || !coverage.Complete() || coverage.Types[0].Saved != c.objects {
		t.Fatalf("coverage %+v, %v", coverage, err)
	}
	return before
}

// TestCaptureMemory checks that what is alive does not grow with what was read: at
// the end of a long list it may be more by what names need and by a page or two.
func TestCaptureMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	c := crowd{objects: 20_000}
	c.capture(t, Options{PageSize: 50})
	early, late := c.live[1], c.live[len(c.live)-1]
	if grown := float64(late) - float64(early); grown > 1<<20 {
		t.Errorf("what is alive grew by %.0f bytes while %d objects were read: %d", grown, c.objects, c.live)
	}
}

// BenchmarkCaptureMemory shows what a capture keeps alive, at most, for clusters of
// different sizes: what its pages need and no more.
func BenchmarkCaptureMemory(b *testing.B) {
	for _, each := range []struct {
		name             string
		objects, padding int
	}{
		{"20000", 20_000, 0},
		{"200000", 200_000, 0},
		{"2000-of-256KiB", 2_000, 256 << 10},
	} {
		b.Run(each.name, func(b *testing.B) {
			var most, page float64
			for b.Loop() {
				c := crowd{objects: each.objects, padding: each.padding}
				before := c.capture(b, Options{})
				for _, live := range c.live {
					most = max(most, float64(live)-float64(before))
				}
				page = float64(c.largest)
			}

			b.ReportMetric(most/(1<<20), "live-MiB")
			b.ReportMetric(page/(1<<20), "page-MiB")
			b.ReportMetric(float64(each.objects)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}
