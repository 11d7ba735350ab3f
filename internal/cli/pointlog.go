package cli

import (
	"log/slog"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/progress"
)

// pointLog logs what a restore point of a daemon meets. How far it is, nobody watches.
type pointLog struct{ log *slog.Logger }

var _ backup.Observer = pointLog{}

// Begins implements [backup.Observer].
func (l pointLog) Begins(part string, _ progress.Unit, expected int64) {
	l.log.Debug("making a restore point", "part", part, "expected", expected)
}

// Reached implements [backup.Observer].
func (pointLog) Reached(int64, string) {}

// Ends implements [backup.Observer].
func (pointLog) Ends() {}

// Opened implements [backup.Observer].
func (l pointLog) Opened(opening backup.Opening) {
	for _, notice := range opening.Notices {
		l.log.Warn(oneLine(notice))
	}
	for _, app := range opening.Back {
		l.log.Info("an application that was retired takes part again", "app", app.String())
	}
	if len(opening.Missing) > 0 {
		l.log.Warn(missingText(opening.Missing), "hint", missingHint(opening.Missing[0].AppKey))
	}
}

// Read implements [backup.Observer].
func (l pointLog) Read(coverage appbur.Coverage) {
	for _, h := range holesOf(coverage) {
		l.log.Warn(h.String())
	}
}

// Warns implements [backup.Observer].
func (l pointLog) Warns(text string) { l.log.Warn(text) }
