package repository

import (
	"strings"
	"testing"
	"time"
)

func TestClockNotice(t *testing.T) {
	newest := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		now    time.Time
		notice string
	}{
		{newest, ""},
		{newest.Add(-30 * time.Second), ""},
		{newest.Add(-2 * time.Minute), "went back"},
		{newest.Add(100 * 24 * time.Hour), ""},
		{newest.Add(12 * 365 * 24 * time.Hour), "is it right"},
	} {
		got := ClockNotice(test.now, newest)
		if (got == "") != (test.notice == "") || !strings.Contains(got, test.notice) {
			t.Errorf("%s: %q", test.now, got)
		}
	}

	if got := ClockNotice(newest, time.Time{}); got != "" {
		t.Errorf("without a point: %q", got)
	}
}
