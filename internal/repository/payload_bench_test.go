package repository

import (
	"crypto/rand"
	"slices"
	"testing"

	"github.com/appbur/appbur"
)

// BenchmarkPayload is what it costs to cut, name, seal, hash and compress a payload.
func BenchmarkPayload(b *testing.B) {
	payload := newTable(60_000).payload()
	for name, d := range map[string]appbur.Dataset{
		"rows": growthDataset, "sealed": secretDataset, "opaque": {Name: "blob", Schema: "1.0", MediaType: "application/octet-stream"},
	} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b)
			b.SetBytes(int64(len(payload)))

			for b.Loop() {
				writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
				if err != nil {
					b.Fatal(err)
				}
				sink, err := writer.Dataset(appbur.AppKey{Namespace: "shop", Name: "orders"}, d)
				if err != nil {
					b.Fatal(err)
				}

				for chunk := range slices.Chunk(payload, 256<<10) {
					if _, err := sink.Write(chunk); err != nil {
						b.Fatal(err)
					}
				}

				if err := sink.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
