package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkMake measures the whole path from a live object to its bytes, one object
// at a time. The objects are what a management cluster is full of.
func BenchmarkMake(b *testing.B) {
	paths, err := filepath.Glob("testdata/speed/*.yaml")
	if err != nil || len(paths) == 0 {
		b.Fatalf("no objects: %v", err)
	}
	for _, path := range paths {
		b.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(b *testing.B) { benchmarkMake(b, path) })
	}
}

func benchmarkMake(b *testing.B, path string) {
	obj := decodeFile(b, path)
	rules := Default()
	b.ReportAllocs()

	size := 0
	for b.Loop() {
		result, err := rules.Make(obj)
		if err != nil || !result.Decision.Saved {
			b.Fatalf("%v %v", result.Decision, err)
		}
		size = len(result.Manifest.Data)
	}

	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
	b.ReportMetric(float64(size), "bytes/manifest")
}

// BenchmarkReduce measures what it takes to see an object as its manifest has it, without writing
// the manifest and by writing and reading it.
func BenchmarkReduce(b *testing.B) {
	paths, err := filepath.Glob("testdata/speed/*.yaml")
	if err != nil || len(paths) == 0 {
		b.Fatalf("no objects: %v", err)
	}
	for _, path := range paths {
		obj := decodeFile(b, path)
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		b.Run(name+"/reduced", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Default().Reduce(obj); err != nil {
					b.Fatal(err)
				}
			}
		})

		b.Run(name+"/written", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				result, err := Default().Make(obj)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Decode(result.Manifest.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func decodeFile(b *testing.B, path string) map[string]any {
	b.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	obj, err := Decode(data)
	if err != nil {
		b.Fatal(err)
	}
	return obj
}
