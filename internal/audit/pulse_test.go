package audit

import (
	"testing"
	"time"
)

// TestSilent: a source is dead when changes come and events do not, and only then.
func TestSilent(t *testing.T) {
	now := start
	pass := func(d time.Duration) { now = now.Add(d) }
	l := NewLedger(Limits{}, func() time.Time { return now })
	version := 0
	ask := func() { version++; l.Who(change(Modified, at(float64(version)).String(), 0)) }
	want := func(what string, silent bool) {
		t.Helper()
		if _, is := l.Silent(); is != silent {
			t.Errorf("%s: silent %v", what, is)
		}
	}

	ask()
	pass(time.Hour)
	want("a source that has never brought anything is not there", false)
	l.Alive()
	pass(time.Hour)
	want("nothing happens", false)
	l.Alive()
	ask()
	pass(time.Minute)
	want("the event came before the change", false)

	ask()
	pass(34 * time.Second)
	want("the event is late", false)
	ask()
	pass(time.Second)
	if since, silent := l.Silent(); !silent || !since.Equal(start.Add(2*time.Hour)) {
		t.Errorf("silent %v since %s", silent, since)
	}
	l.Alive()
	want("it is back", false)
}
