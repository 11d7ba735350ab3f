package repository

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

// table is a table of an application: rows by id.
type table map[int]string

var growthDataset = appbur.Dataset{Name: "orders", Schema: "1.0", MediaType: appbur.MediaTypeRows, Key: []string{"id"}}

func newTable(rows int) table {
	t := table{}
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for i := range rows {
		t.set(i, random)
	}
	return t
}

// set gives a row new content of some 200 bytes, of which a third does not compress.
func (t table) set(id int, random *mathrand.Rand) {
	t[id] = fmt.Sprintf(`{"amount":%d.%02d,"customer":"customer-%d","id":%d,"note":"%s","state":"%s","token":"%016x%016x"}`,
		random.IntN(10000), random.IntN(99)+1, random.IntN(3000), id,
		strings.Repeat("the quick brown fox ", random.IntN(5)), []string{"open", "paid", "sent"}[random.IntN(3)], random.Uint64(),
		random.Uint64())
}

func (t table) payload() []byte {
	var b bytes.Buffer
	last := 0
	for id := range t {
		last = max(last, id)
	}
	for id := range last + 1 {
		if row, ok := t[id]; ok {
			b.WriteString(row)
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// save makes a point of an application with one dataset.
func (f *fixture) save(d appbur.Dataset, payload []byte) PointRef {
	f.Helper()
	f.time = f.time.Add(time.Hour)
	outcome := f.backup()
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}
	key := appbur.AppKey{Namespace: "shop", Name: "orders"}
	sink, err := writer.Dataset(key, d)
	if err != nil {
		f.Fatal(err)
	}

	for chunk := range slices.Chunk(payload, 100_000) {
		if _, err := sink.Write(chunk); err != nil {
			f.Fatal(err)
		}
	}

	if err := sink.Close(); err != nil {
		f.Fatal(err)
	}
	d.Size, d.Digest, d.Rows = int64(len(payload)), appbur.DigestOf(payload), int64(bytes.Count(payload, []byte("\n")))
	if err := writer.Application(appbur.AppState{
		AppKey: key, App: "example.com", Version: "1.0.0",
		Datasets: []appbur.Dataset{d},
	}); err != nil {
		f.Fatal(err)
	}

	return f.finish(writer, outcome)
}

// finish makes a point of what a writer has gathered.
func (f *fixture) finish(writer *PointWriter, outcome Outcome) PointRef {
	f.Helper()
	point, err := writer.Save(f.Context(), outcome.Commit, PointContent{
		Created: f.now(), Ended: f.now().Add(time.Minute), Cluster: fixtureCluster, Rules: "1", Objects: outcome.Objects,
		Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	})
	if err != nil {
		f.Fatal(err)
	}
	ref, err := f.repo.Resolve(string(point.ID))
	if err != nil {
		f.Fatal(err)
	}
	return ref
}

// payload reads the one dataset of a point.
func (f *fixture) payload(ref PointRef, opener *seal.Opener) []byte {
	f.Helper()
	loaded, err := f.repo.Load(f.Context(), ref, opener)
	if err != nil {
		f.Fatal(err)
	}
	app := loaded.Meta.Apps[0]
	reader, err := loaded.Payload(app.AppKey, app.Datasets[0])
	if err != nil {
		f.Fatal(err)
	}
	defer reader.Close()
	data, err := io.ReadAll(reader)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// packed is the size of all packs.
func (f *fixture) packed() int64 {
	f.Helper()
	var size int64
	err := filepath.WalkDir(filepath.Join(f.repo.Dir(), "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(d.Name(), ".idx") || strings.HasSuffix(d.Name(), ".rev") {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return size
}

// A second point after 1 % of the rows changed adds at most 3 % of what the payload
// takes packed: at once if the change is at the end of the table, as it is in tables
// that grow, and in any case once git has looked for deltas.
func TestOnePercentAddsAtMostThree(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	const rows = 120_000
	f := newFixture(t)
	table := newTable(rows)
	random := mathrand.New(mathrand.NewPCG(3, 4))
	f.save(growthDataset, table.payload())
	f.git("repack", "-adfq")
	whole := f.packed()
	for _, change := range []struct {
		what string
		make func(i int)
		// atOnce says whether the bar holds without deltas, too.
		atOnce bool
	}{
		{"hot tail", func(i int) { table.set(rows-rows/200+i, random) }, true},
		{"scattered", func(i int) {
			switch id := random.IntN(rows); i % 10 {
			case 0:
				delete(table, id)
			case 1:
				table.set(rows+rows/100+i, random)
			default:
				table.set(id, random)
			}
		}, false},
	} {
		for i := range rows / 100 {
			change.make(i)
		}
		before := f.packed()
		f.reopen()
		ref := f.save(growthDataset, table.payload())
		stored := f.packed() - before
		f.git("repack", "-adfq")
		f.git("fsck", "--strict")
		added := f.packed() - before
		t.Logf("%s: the payload takes %d bytes packed; 1 %% changed adds %d (%.2f %%) at once, %d (%.2f %%) with deltas",
			change.what, whole, stored, percent(stored, whole), added, percent(added, whole))
		if percent(added, whole) > 3 || change.atOnce && percent(stored, whole) > 3 {
			t.Errorf("%s: 1 %% of the rows adds more than 3 %%", change.what)
		}
		f.reopen()
		if got := f.payload(ref, nil); !bytes.Equal(got, table.payload()) {
			t.Errorf("%s: the point gives other bytes back", change.what)
		}
	}
}

func percent(part, whole int64) float64 { return 100 * float64(part) / float64(whole) }
