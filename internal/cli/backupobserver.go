package cli

import (
	"fmt"
	"sync/atomic"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/progress"
)

// backupObserver tells a person how far a restore point is.
type backupObserver struct {
	env *env
	bar atomic.Pointer[bar]
}

var _ backup.Observer = (*backupObserver)(nil)

// Begins implements [backup.Observer].
func (o *backupObserver) Begins(part string, unit progress.Unit, expected int64) {
	o.Ends()
	bar := o.env.bar(part, unit)
	if expected > 0 {
		bar.expect(expected)
	}
	o.bar.Store(bar)
}

// Reached implements [backup.Observer].
func (o *backupObserver) Reached(done int64, note string) {
	if bar := o.bar.Load(); bar != nil {
		bar.reach(done, note)
	}
}

// Ends implements [backup.Observer].
func (o *backupObserver) Ends() {
	if bar := o.bar.Swap(nil); bar != nil {
		bar.finish()
	}
}

// Opened implements [backup.Observer].
func (o *backupObserver) Opened(opening backup.Opening) {
	for _, notice := range opening.Notices {
		o.env.warn("%s", oneLine(notice))
	}
	for _, app := range opening.Back {
		o.env.say("The application %s was retired. From this point on it is known again.", app)
	}
	if len(opening.Missing) == 0 {
		return
	}

	o.env.warnWithHint(missingText(opening.Missing), missingHint(opening.Missing[0].AppKey))
}

// missingText says which applications a restore point will lack.
func missingText(missing []appbur.MissingApp) string {
	var names []string
	for _, app := range missing {
		names = append(names, fmt.Sprintf("%s (last in %s)", app.AppKey, app.Point))
	}
	return fmt.Sprintf("the restore point will be partial without the application %s, which earlier points hold",
		appbur.Shortlist(names, shownNames))
}

func missingHint(app appbur.AppKey) string {
	return fmt.Sprintf("save it with --app %s=ADDRESS, or if it is gone for good: appbur apps retire %s", app, app)
}

// Read implements [backup.Observer].
func (o *backupObserver) Read(coverage appbur.Coverage) {
	for _, h := range holesOf(coverage) {
		o.env.warn("%s", h)
	}
}

// Warns implements [backup.Observer].
func (o *backupObserver) Warns(text string, why error) { o.env.warn("%s: %v", text, why) }
