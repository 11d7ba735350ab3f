package retention

import (
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

func TestMisdated(t *testing.T) {
	for _, test := range []struct {
		name string
		// times are the days of points, newest first by history.
		times string
		want  string
	}{
		{"in order", "2026-11-22 2026-11-21 2026-11-20", ""},
		{"one ahead", "2026-11-22 2038-01-19 2026-11-20", "2038-01-19"},
		{"one ahead, and only one after it", "2026-11-22 2038-01-19", "2038-01-19"},
		{"one behind", "2026-11-22 1970-01-01 2026-11-20", "1970-01-01"},
		{"behind for a while", "2026-11-22 1970-01-02 1970-01-01 2026-11-20 2026-11-19", "1970-01-02 1970-01-01"},
		{"the newest is ahead, nothing shows it", "2038-01-19 2026-11-20", ""},
		{"two machines overlap", "2026-11-20 2026-11-21 2026-11-20", ""},
		{"none", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var points []appbur.RestorePoint
			for day := range strings.FieldsSeq(test.times) {
				at, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				points = append(points, pointAt(at, 0, ""))
			}

			var got []string
			for i, wrong := range Misdated(points) {
				if wrong {
					got = append(got, points[i].Created.Format(time.DateOnly))
				}
			}

			if strings.Join(got, " ") != test.want {
				t.Errorf("misdated are %v, want %s", got, test.want)
			}
		})
	}
}
