package repository

import (
	"bytes"
	"fmt"
	mathrand "math/rand/v2"
	"testing"

	"github.com/appbur/appbur"
)

// The counts are those of comparing all rows, although most pieces are never read.
func TestDiffDatasets(t *testing.T) {
	f := newFixture(t)
	table := newTable(9000)
	before := f.save(growthDataset, table.payload())
	random := mathrand.New(mathrand.NewPCG(5, 6))
	var want RowCounts

	for i := range 60 {
		switch id := i*150 + random.IntN(100); i % 3 {
		case 0:
			delete(table, id)
			want.Removed++
		case 1:
			table.set(id, random)
			want.Changed++
		default:
			table.set(9000+i, random)
			want.Added++
		}
	}

	after := f.save(growthDataset, table.payload())
	changes, err := f.repo.DiffDatasets(before, after)
	if err != nil || len(changes) != 1 || changes[0].Rows == nil {
		t.Fatalf("%+v, %v", changes, err)
	}
	if got := changes[0]; *got.Rows != want || got.Dataset != "orders" || got.Pieces == 0 {
		t.Errorf("%+v of %d pieces, want %+v", *got.Rows, got.Pieces, want)
	}
	if changes, err := f.repo.DiffDatasets(after, after); err != nil || len(changes) != 0 {
		t.Errorf("a point differs from itself: %+v, %v", changes, err)
	}
}

func TestDiffDatasetsThatCannotBeCounted(t *testing.T) {
	changed := func(d appbur.Dataset, change func(*appbur.Dataset)) appbur.Dataset {
		change(&d)
		return d
	}
	for name, test := range map[string]struct {
		from, to       appbur.Dataset
		before, after  string
		pieces, counts string
	}{
		"sealed": {secretDataset, secretDataset, `{"id":1}` + "\n", `{"id":2}` + "\n", "1", ""},
		"another key": {
			growthDataset, changed(growthDataset, func(d *appbur.Dataset) { d.Key = []string{"name"} }), `{"id":1}` + "\n",
			`{"name":1}` + "\n", "1", "",
		},
		"rows without key":  {growthDataset, growthDataset, `{"id":1}` + "\n", `{"name":1}` + "\n", "1", ""},
		"rows not in order": {growthDataset, growthDataset, `{"id":1}` + "\n", `{"id":3}` + "\n" + `{"id":2}` + "\n", "1", ""},
		"no row to no row":  {growthDataset, changed(growthDataset, func(d *appbur.Dataset) { d.Schema = "2.0" }), "", "", "0", "{0 0 0}"},
		"text and number key": {
			growthDataset, growthDataset, `{"id":10}` + "\n" + `{"id":"1"}` + "\n",
			`{"id":9}` + "\n" + `{"id":10,"x":1}` + "\n", "1", "{1 1 1}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			from, to := f.save(test.from, []byte(test.before)), f.save(test.to, []byte(test.after))
			changes, err := f.repo.DiffDatasets(from, to)
			if err != nil || len(changes) != 1 {
				t.Fatalf("%+v, %v", changes, err)
			}
			counts := ""
			if changes[0].Rows != nil {
				counts = fmt.Sprint(*changes[0].Rows)
			}
			if fmt.Sprint(changes[0].Pieces) != test.pieces || counts != test.counts {
				t.Errorf("%d pieces, rows %s", changes[0].Pieces, counts)
			}
		})
	}
}

// A dataset that only one point has is added or removed.
func TestDiffDatasetsThatComeAndGo(t *testing.T) {
	f := newFixture(t)
	without := f.point()
	with := f.save(growthDataset, bytes.Repeat([]byte("{}\n"), 3))
	changes, err := f.repo.DiffDatasets(without, with)
	if err != nil || len(changes) != 1 || changes[0].From != nil || changes[0].To == nil || changes[0].Pieces != 1 {
		t.Errorf("%+v, %v", changes, err)
	}
	changes, err = f.repo.DiffDatasets(with, without)
	if err != nil || len(changes) != 1 || changes[0].From == nil || changes[0].To != nil {
		t.Errorf("%+v, %v", changes, err)
	}
}
