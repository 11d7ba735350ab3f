package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/progress"
)

// How far exports are is drawn with a rate and what is left, of about as much as was expected.
func TestABackupIsDrawn(t *testing.T) {
	w := newSlowWorld(t)
	w.Streams = w.terminal.forTerminals()
	observer := &backupObserver{env: w.env}
	observer.Begins("exporting 1 application", progress.Bytes, 4<<20)
	for done := range int64(12) {
		observer.Reached(done*100_000, "0 of 1 whole")
	}
	observer.Ends()
	observer.Reached(1, "after the end")

	drawn := strings.Join(w.screen.seen(), "\n")
	want := regexp.MustCompile(`(?m)^exporting 1 application  ~\d+% \[=*> *\]  .*[0-9.]+ [KM]iB/s, ~\d+ s left$`)
	if !want.MatchString(drawn) || strings.Contains(drawn, "after the end") {
		t.Errorf("drawn:\n%s", drawn)
	}
}
