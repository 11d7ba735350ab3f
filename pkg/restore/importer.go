package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur"
)

// ErrNotConnected is the error of an [Importer] that was given no way to reach an
// application. Its import is skipped, and the restore is not complete: who wants no state
// leaves it out of the plan ([Point.Choose]).
var ErrNotConnected = errors.New("no address was given for the application")

// NotConnectedError is [ErrNotConnected] of one application.
type NotConnectedError struct{ App appbur.AppKey }

// Error names the application.
func (e *NotConnectedError) Error() string {
	return fmt.Sprintf("application %s: %v", e.App, ErrNotConnected)
}

// Unwrap returns [ErrNotConnected].
func (e *NotConnectedError) Unwrap() error { return ErrNotConnected }

// Importer hands saved state back to applications.
type Importer interface {
	// Import imports the complete state of one application. It is called once per
	// application and run, one after the other. The application makes nothing
	// visible before it has all of it, so that a call that failed may be repeated.
	Import(ctx context.Context, app appbur.AppState) (Imported, error)
}

// Imported is what an application said about its import.
type Imported struct {
	// App and Version are what the application called itself now.
	App     string `json:"app"`
	Version string `json:"version"`
	// Applied is true when the state is in place.
	Applied bool `json:"applied"`
	// DryRun is true when the application tried it and changed nothing.
	DryRun bool `json:"dryRun,omitempty"`
	// Service is NAMESPACE/NAME of the Service by which it was found, "" if its address was given.
	Service string `json:"service,omitempty"`
	// Before is when the same restore imported it, in an earlier run. It is not repeated.
	Before   *time.Time        `json:"before,omitempty"`
	Datasets []ImportedDataset `json:"datasets,omitempty"`
}

// ImportedDataset is what became of one dataset.
type ImportedDataset struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// MediaType is that of a dataset that only the application reads. Those have a size
	// and no rows.
	MediaType  string `json:"mediaType,omitempty"`
	Size       int64  `json:"size"`
	SchemaFrom string `json:"schemaFrom"`
	SchemaTo   string `json:"schemaTo"`
	// Digest is that of the state as the application would export it now. It is zero
	// where the state is sensitive: the report may be kept next to the backup.
	Digest appbur.Digest `json:"digest,omitzero"`
	// Dropped lists what the newer schema has no place for, in words.
	Dropped []string `json:"dropped,omitempty"`
	// Filled lists what the saved state has no value for and got a default, in words.
	Filled []string `json:"filled,omitempty"`
	// Uncompared says why the state could not be compared with what was saved.
	Uncompared string `json:"uncompared,omitempty"`
}

// AppOutcome is what became of the state of one application. Result is created
// when the state is in place, or would be after a dry run, unchanged when an earlier run of the
// same restore has imported it, skipped or failed otherwise.
type AppOutcome struct {
	App      appbur.AppKey `json:"app"`
	Result   Result        `json:"result"`
	Imported *Imported     `json:"imported,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	// Cause is the application whose failure kept this one from being tried.
	Cause *appbur.AppKey `json:"cause,omitempty"`
}

// Import hands every application of the plan its state, in the order of the plan,
// and records the outcomes in the report. It comes after [Apply]: applications
// find their objects in place. One that fails keeps only those from being tried that wait for it
// ([Plan.OrderApps]); the error is then [ErrIncomplete], and wraps what kept each from it.
func Import(ctx context.Context, p *Plan, importer Importer, report *Report) error {
	report.Apps = nil
	missing := 0
	var causes []error
	without := make(map[appbur.AppKey]appbur.AppKey) // those without state, and by whose fault

	for _, app := range p.Apps {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("importing application state: %w", err)
		}
		if cause := firstOf(without, p.awaited(app.AppKey)); cause != nil {
			report.Apps = append(report.Apps, AppOutcome{
				App: app.AppKey, Result: Failed, Cause: cause, Reason: fmt.Sprintf("not tried, because the state of %s was not imported", cause),
			})
			without[app.AppKey] = *cause
			missing++
			continue
		}

		outcome, err := importOne(ctx, importer, app)
		if err != nil {
			causes = append(causes, err)
		}
		if outcome.Result != Created && outcome.Result != Unchanged {
			without[app.AppKey] = app.AppKey
			missing++
		}
		report.Apps = append(report.Apps, outcome)
	}

	if missing > 0 {
		return appbur.WithHint(&appsError{missing, len(p.Apps), causes}, "the report says why; run the restore again once the cause is gone")
	}
	return nil
}

// importOne hands one application its state. The error is that of the importer.
func importOne(ctx context.Context, importer Importer, app appbur.AppState) (AppOutcome, error) {
	outcome := AppOutcome{App: app.AppKey, Result: Created}
	imported, err := importer.Import(ctx, app)
	switch {
	case errors.Is(err, ErrNotConnected):
		outcome.Result, outcome.Reason, outcome.Hint = Skipped, err.Error(), hintFor(err)
	case err != nil:
		outcome.Result, outcome.Reason, outcome.Hint = Failed, err.Error(), hintFor(err)
	case !imported.Applied && !imported.DryRun:
		outcome.Result, outcome.Imported, outcome.Reason = Failed, &imported, "the application did not put the state in place"
	case imported.Before != nil:
		outcome.Result, outcome.Imported = Unchanged, &imported
	default:
		outcome.Imported = &imported
	}
	return outcome, err
}

// firstOf returns by whose fault one of the applications has no state, nil if all have it.
func firstOf(without map[appbur.AppKey]appbur.AppKey, apps []appbur.AppKey) *appbur.AppKey {
	for _, app := range apps {
		if cause, ok := without[app]; ok {
			return &cause
		}
	}
	return nil
}

// appsError says how many applications have no state. Its text leaves to the report why,
// its chain does not: a schema that is too new is more than something that failed.
type appsError struct {
	missing, total int
	causes         []error
}

func (e *appsError) Error() string {
	return fmt.Sprintf("%v: the state of %d of %d applications", ErrIncomplete, e.missing, e.total)
}

func (e *appsError) Unwrap() []error { return append([]error{ErrIncomplete}, e.causes...) }
