package cli

import (
	"errors"
	"log/slog"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/keyring"
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
	if len(opening.Carried) > 0 {
		l.log.Info("the state of applications that no schedule which is due asks is taken over from earlier points",
			"apps", shortKeys(opening.Carried))
	}
	if len(opening.Missing) > 0 {
		l.log.Warn(missingText(opening.Missing), "hint", missingHint(opening.Missing[0].AppKey))
	}
}

// shortKeys lists applications, not all if there are many.
func shortKeys(keys []appbur.AppKey) string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.String()
	}
	return appbur.Shortlist(names, shownNames)
}

// Read implements [backup.Observer].
func (l pointLog) Read(coverage appbur.Coverage) {
	for _, h := range holesOf(coverage) {
		l.log.Warn(h.String())
	}
}

// Warns implements [backup.Observer]. What a read-only key directory means was said when the daemon started.
func (l pointLog) Warns(text string, why error) {
	if !errors.Is(why, keyring.ErrReadOnly) {
		l.log.Warn(text, "reason", why.Error())
	}
}

// tellOfReadOnlyKeys says what the daemon cannot notice, once for all commits and points.
func tellOfReadOnlyKeys(log *slog.Logger, keysDir string) {
	if errors.Is(keyring.Remembers(keysDir), keyring.ErrReadOnly) {
		log.Info("the key directory is read-only, so the commits that were seen are not remembered there; an anchor shows whether "+
			"somebody has rewritten history", "keys", keysDir)
	}
}
