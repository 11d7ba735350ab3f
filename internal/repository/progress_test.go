package repository

import (
	"testing"
)

// counts demands that what is told of work becomes no less and has one total.
type counts struct {
	*testing.T
	what        string
	calls       int
	done, total int
}

func (c *counts) tell(done, total int) {
	if done < c.done || done > total || c.calls > 0 && total != c.total {
		c.Errorf("%s: %d of %d follows %d of %d", c.what, done, total, c.done, c.total)
	}
	c.calls++
	c.done, c.total = done, total
}

// Reading a point, looking at all of them and sealing anew tell how far they are.
func TestLongWorkTellsHowFarItIs(t *testing.T) {
	f := newFixture(t)
	ref := f.point()

	load := &counts{T: t, what: "loading"}
	loaded, err := f.repo.LoadWithProgress(t.Context(), ref, f.opener(), load.tell)
	if err != nil {
		t.Fatal(err)
	}
	if load.done != len(loaded.Objects) || load.total != len(loaded.Objects) || load.calls != 1+load.total {
		t.Errorf("%d objects, told %+v", len(loaded.Objects), load)
	}

	catalog := &counts{T: t, what: "the catalog"}
	if all, err := f.repo.CatalogWithProgress(f.trusted(), catalog.tell); err != nil || catalog.total != len(all.Points) {
		t.Errorf("%d points, told %+v, %v", len(all.Points), catalog, err)
	}

	rotation := &counts{T: t, what: "the rotation"}
	done := f.mustRotate(f.opener(), Rotation{Fingerprint: true, Progress: rotation.tell})
	if done.Resealed == 0 || rotation.calls < len(loaded.Objects) {
		t.Errorf("%d sealed anew, told %+v", done.Resealed, rotation)
	}
}
