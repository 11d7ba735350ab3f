package repository

import (
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// What a deleted point held is set aside at once and dropped two weeks later, without
// anybody asking; what other points hold stays.
func TestMaintainIfDueFreesDeletedPoints(t *testing.T) {
	f := newFixture(t)
	random := newTable(2000)
	kept := f.save(growthDataset, random.payload())
	for id := range random {
		random[id] = `{"id":` + token(id) + `}`
	}
	gone := f.save(growthDataset, random.payload())
	newest := f.save(growthDataset, newTable(3000).payload())

	// Objects are as old as the files that they are in.
	now := time.Now()
	due := func(after time.Duration) *gitsync.MaintainReport {
		t.Helper()
		report, err := f.repo.MaintainIfDue(t.Context(), now.Add(after), nil)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}

	const day = 24 * time.Hour
	if report := due(0); report != nil {
		t.Fatalf("nothing is due, and yet %+v", report)
	}
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{gone.ID}, f.trusted(), false); err != nil {
		t.Fatal(err)
	}
	if report := due(0); report == nil || report.SetAside == 0 || report.Pruned > 0 {
		t.Fatalf("after the deletion: %+v", report)
	}

	if report := due(6 * day); report != nil {
		t.Errorf("within a week: %+v", report)
	}
	if report := due(8 * day); report == nil || report.SetAside == 0 || report.Pruned > 0 {
		t.Errorf("after a week: %+v", report)
	}
	before := due(16 * day)
	if before == nil || before.SetAside > 0 || before.Pruned == 0 || before.BytesAfter >= before.BytesBefore {
		t.Errorf("after two weeks: %+v", before)
	}
	if report := due(60 * day); report != nil {
		t.Errorf("everything is gone, and yet %+v", report)
	}

	for _, ref := range []PointRef{kept, newest} {
		loaded, err := f.repo.Load(t.Context(), ref, f.opener())
		if err != nil || len(loaded.Meta.Apps) != 1 {
			t.Errorf("%s: %v", ref.ID, err)
		}
	}

	f.git("fsck", "--strict", "--full")
}

// A repository whose owner forbids to drop objects is packed together all the same.
func TestMaintainIfDueOfPreciousObjects(t *testing.T) {
	f := newFixture(t)
	gone := f.point()
	f.time = f.time.Add(time.Hour)
	f.point()
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{gone.ID}, f.trusted(), false); err != nil {
		t.Fatal(err)
	}
	f.git("config", "core.repositoryformatversion", "1")
	f.git("config", "extensions.preciousObjects", "true")
	f.reopen()
	if report, err := f.repo.MaintainIfDue(t.Context(), time.Now(), nil); err != nil || report == nil ||
		report.PacksAfter >= report.PacksBefore {
		t.Errorf("%+v, %v", report, err)
	}
}

// A note that cannot be read is said.
func TestMaintainIfDueWithDamagedNote(t *testing.T) {
	f := newFixture(t)
	if err := os.WriteFile(filepath.Join(f.repo.Dir(), pruneFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.repo.MaintainIfDue(t.Context(), time.Now(), nil); err == nil {
		t.Error("a note that cannot be read is no error")
	}
}

// token does not compress to less than 128 bytes, and is that of one object only.
func token(n int) string {
	random := mathrand.New(mathrand.NewPCG(uint64(n), 3))
	var text string
	for range 16 {
		text += fmt.Sprintf("%016x", random.Uint64())
	}
	return text
}
