package repository

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

var ordersApp = appbur.AppKey{Namespace: "shop", Name: "orders"}

// carry makes a point that takes the state of an application over, and reports whether it did.
func (f *fixture) carry(app appbur.AppKey) (PointRef, bool) {
	f.Helper()
	f.time = f.time.Add(time.Hour)
	outcome := f.backup()
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}
	defer writer.Discard()
	carried, err := writer.CarryOver(app)
	if err != nil {
		f.Fatal(err)
	}

	return f.finish(writer, outcome), carried
}

// A point has the state of an application that nobody asked, byte for byte, and says of which point it is. It has it
// also when the points before are gone.
func TestStateIsTakenOver(t *testing.T) {
	for _, dataset := range []appbur.Dataset{growthDataset, secretDataset} {
		f := newFixture(t)
		payload := newTable(3000).payload()
		exported := f.save(dataset, payload)
		first, carried := f.carry(ordersApp)
		if !carried {
			t.Fatal("the state was not taken over")
		}
		between := f.point() // without the application
		again, _ := f.carry(ordersApp)

		for _, ref := range []PointRef{first, again} {
			point := f.describe(ref)
			origin := point.OriginOf(point.Apps[0])
			if origin.Point != exported.ID || origin.Sequence != f.describe(exported).Sequence || point.Apps[0].From == nil {
				t.Errorf("the state is of %+v, want %s", origin, exported.ID)
			}
			if len(point.Missing) > 0 || point.Partial {
				t.Errorf("the point is partial: %+v", point.Missing)
			}
		}
		if got, want := f.git("rev-parse", again.ID.Tag()+":apps"), f.git("rev-parse", exported.ID.Tag()+":apps"); got != want {
			t.Error("what was taken over is another tree")
		}

		trusted := f.trusted()
		if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{exported.ID, first.ID, between.ID}, trusted, true); err != nil {
			t.Fatal(err)
		}
		if _, err := f.repo.Maintain(t.Context(), gitsync.MaintainOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := f.payload(again, f.opener()); !bytes.Equal(got, payload) {
			t.Errorf("%d bytes came back, %d were saved", len(got), len(payload))
		}
		f.git("fsck", "--strict")
		if report := f.check(CheckOptions{}); !report.OK() {
			t.Errorf("a check finds %+v", report.Findings)
		}
	}
}

// What should not be taken over has to be asked for.
func TestStateThatIsNotTakenOver(t *testing.T) {
	payload := newTable(100).payload()
	for name, test := range map[string]struct {
		prepare func(*fixture)
		app     appbur.AppKey
	}{
		"no point holds it": {func(*fixture) {}, appbur.AppKey{Namespace: "shop", Name: "bills"}},
		"retired":           {func(f *fixture) { f.retire(f.repo, ordersApp.String()); f.reopen() }, ordersApp},
		"others can decrypt now": {func(f *fixture) {
			keys, _ := newKeys(f)
			f.mustRotate(f.opener(), Rotation{Add: []string{keys.Recipient}})
			f.reopen()
		}, ordersApp},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.save(secretDataset, payload)
			test.prepare(f)
			if ref, carried := f.carry(test.app); carried || len(f.describe(ref).Apps) > 0 {
				t.Errorf("the state was taken over: %+v", f.describe(ref).Apps)
			}
		})
	}
}
