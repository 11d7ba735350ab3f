package repository

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/appbur/appbur"
)

// heapNow is what is reachable.
func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A payload is never in memory as one piece, neither on its way in nor on its way out.
func TestPayloadsStream(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	const (
		size  = 64 << 20
		bound = size / 4
		step  = 1 << 20
	)
	// Rows that compress very well, so that what the edit keeps of them until its pack
	// is written does not hide what is looked for.
	filler := bytes.Repeat([]byte("x"), 4000)
	for name, d := range map[string]appbur.Dataset{
		"rows":   growthDataset,
		"opaque": {Name: "blob", Schema: "1.0", MediaType: "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			outcome := f.backup()
			writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
			if err != nil {
				t.Fatal(err)
			}
			key := appbur.AppKey{Namespace: "shop", Name: "orders"}
			sink, err := writer.Dataset(key, d)
			if err != nil {
				t.Fatal(err)
			}
			hash := sha256.New()
			out := io.MultiWriter(sink, hash)
			start, most := heapNow(), int64(0)
			var written int64
			for next := int64(step); written < size; {
				n, err := fmt.Fprintf(out, `{"id":%d,"text":"%s"}`+"\n", written, filler)
				if err != nil {
					t.Fatal(err)
				}
				if written += int64(n); written > next {
					next += 4 * step
					most = max(most, heapNow()-start)
				}
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			d.Size, d.Digest = written, appbur.Digest(hash.Sum(nil))
			if err := writer.Application(appbur.AppState{AppKey: key, Datasets: []appbur.Dataset{d}}); err != nil {
				t.Fatal(err)
			}
			point, err := writer.Save(t.Context(), outcome.Commit,
				PointContent{
					Created: f.now(), Cluster: fixtureCluster, Objects: outcome.Objects,
					Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
				})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("saving %d bytes holds at most %d", written, most)
			if most > bound {
				t.Errorf("saving %d bytes holds %d of them", written, most)
			}

			f.reopen()
			ref, err := f.repo.Resolve(string(point.ID))
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := f.repo.Load(t.Context(), ref, nil)
			if err != nil {
				t.Fatal(err)
			}
			reader, err := loaded.Payload(key, point.Apps[0].Datasets[0])
			if err != nil {
				t.Fatal(err)
			}
			start, most = heapNow(), 0
			var read int64
			for {
				n, err := io.CopyN(io.Discard, reader, 4*step)
				read += n
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				most = max(most, heapNow()-start)
			}
			t.Logf("reading %d bytes holds at most %d", read, most)
			if read != written || most > bound {
				t.Errorf("%d bytes were read, %d written; %d were held", read, written, most)
			}
		})
	}
}
