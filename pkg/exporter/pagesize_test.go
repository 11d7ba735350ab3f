package exporter

import "testing"

func TestPageSize(t *testing.T) {
	for _, tt := range []struct {
		name           string
		most           int64
		objects, bytes int
		want           int64
	}{
		{"nothing known", 500, 0, 0, 100},
		{"nothing known, few wanted", 7, 0, 0, 7},
		{"small objects", 500, 100, 100 << 10, 500},
		{"objects of 10 KiB", 500, 100, 1000 << 10, 204},
		{"objects of 1 MiB", 500, 100, 100 << 20, 2},
		{"an object larger than a page", 500, 1, 8 << 20, 1},
		{"small objects, few wanted", 7, 7, 700, 7},
	} {
		p := newPageSize(tt.most)
		p.learn(tt.objects, tt.bytes)
		if p.limit != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, p.limit, tt.want)
		}
	}
}

// TestCaptureLargeObjects checks that pages of large objects are small, and that none
// of the objects is lost when the size of pages changes on the way.
func TestCaptureLargeObjects(t *testing.T) {
	c := crowd{objects: 250, padding: 64 << 10}
	c.capture(t, Options{})
	if most := 2 * firstPage * (64 << 10); c.largest > most {
		t.Errorf("the largest page has %d bytes, more than %d", c.largest, most)
	}
	if c.pages < 5 {
		t.Errorf("%d pages are too few", c.pages)
	}
}
