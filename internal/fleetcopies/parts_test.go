package fleetcopies

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a remote had is missed until it is known to be gone, by whoever looks, and trimming forgets none of it.
func TestPartsThatAreGoneAreMissed(t *testing.T) {
	c := open(t, 1)
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	c.now = func() time.Time { return now }
	look := func(url string, known string, parts ...string) (gone []string) {
		t.Helper()
		list, err := c.Gone(t.Context(), url, parts, func(part string) bool { return part == known })
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range list {
			gone = append(gone, g.Part+" "+g.Seen.Format("15:04"))
		}
		if err := c.Trim(); err != nil {
			t.Fatal(err)
		}
		return gone
	}

	for i, step := range []struct {
		url, known string
		parts      []string
		want       []string
	}{
		{"far", "", []string{"a", "b"}, nil},
		{"other", "", []string{"a"}, nil},
		{"far", "", []string{"b", "c"}, []string{"a 12:00"}},
		{"far", "", nil, []string{"a 12:00", "b 12:02", "c 12:02"}},
		{"far", "a", []string{"b"}, []string{"c 12:02"}},
		{"far", "", []string{"b"}, []string{"c 12:02"}}, // it is known for ever
		{"far", "", []string{"b", "c"}, nil},
		{"other", "", []string{"a"}, nil},
	} {
		if got := look(step.url, step.known, step.parts...); !slices.Equal(got, step.want) {
			t.Errorf("look %d: %v are missed, want %v", i, got, step.want)
		}
		now = now.Add(time.Minute)
	}

	files, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), partsSuffix) {
			if err := os.WriteFile(c.dir+"/"+file.Name(), []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := look("far", "", "b"); len(got) > 0 {
		t.Errorf("%v are missed of what is not known", got)
	}
}
