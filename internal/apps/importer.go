package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/restore"
)

// Payloads are the saved bytes.
type Payloads interface {
	// Payload opens the payload of a dataset from its start. The reader ends with
	// an error when the bytes are not those that were exported.
	Payload(key appbur.AppKey, d appbur.Dataset) (io.ReadCloser, error)
}

// Locator finds applications that no address was given of.
type Locator interface {
	// Locate waits until the application can be reached, or until the context ends.
	Locate(ctx context.Context, key appbur.AppKey) (Target, error)
}

// Importer hands saved state back to applications. It implements
// [restore.Importer].
type Importer struct {
	Dialer  Dialer
	Targets []Target
	// Locator finds applications that are not among the targets; it may be nil.
	Locator  Locator
	Payloads Payloads
	Random   io.Reader
	// ReadyTimeout is how long an application may take to be found, and then to become ready.
	ReadyTimeout time.Duration
	// DryRun has the applications do everything but commit: they change nothing, and say what
	// an import would do.
	DryRun bool
	// OperationID is that of the next import, so that a repeated one is not applied again; empty for
	// a new one.
	OperationID string
	// Progress is called with the progress; it may be nil. In addition to the phases of the contract
	// there are [Waiting] and [Comparing].
	Progress func(appbur.AppKey, contract.Progress)
}

var _ restore.Importer = (*Importer)(nil)

// ErrDiffers means that the export of an application after an import is not what was
// saved.
var ErrDiffers = errors.New("the application's state is not what was saved")

// Import implements [restore.Importer].
func (i *Importer) Import(ctx context.Context, app appbur.AppState) (restore.Imported, error) {
	target, err := i.Target(ctx, app.AppKey)
	if err != nil {
		return restore.Imported{}, err
	}
	return i.ImportInto(ctx, target, app)
}

// Target is where an application is. One that has no address is waited for.
func (i *Importer) Target(ctx context.Context, key appbur.AppKey) (Target, error) {
	for _, t := range i.Targets {
		if t.AppKey == key {
			return t, nil
		}
	}
	if i.Locator == nil {
		return Target{}, &restore.NotConnectedError{App: key}
	}
	i.checker().reporter(key)(contract.Progress{Phase: Waiting})
	ctx, cancel := context.WithTimeout(ctx, i.ReadyTimeout)
	defer cancel()
	return i.Locator.Locate(ctx, key)
}

func (i *Importer) checker() Checker {
	return Checker{Payloads: i.Payloads, Random: i.Random, Progress: i.Progress}
}

// connect waits until an application answers and says that it serves.
func (i *Importer) connect(ctx context.Context, target Target) (*contract.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, i.ReadyTimeout)
	defer cancel()
	client, err := i.Dialer.dial(ctx, target, i.ReadyTimeout)
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, client); err != nil {
		hangUp(client)
		return nil, fmt.Errorf("application %s: not ready within %s: %w", target.AppKey, i.ReadyTimeout, err)
	}
	return client, nil
}

// ImportInto waits until the application is ready, imports, exports again and compares.
func (i *Importer) ImportInto(ctx context.Context, target Target, app appbur.AppState) (restore.Imported, error) {
	checker := i.checker()
	report := checker.reporter(app.AppKey)

	report(contract.Progress{Phase: Waiting})
	client, err := i.connect(ctx, target)
	if err != nil {
		return restore.Imported{}, err
	}
	defer hangUp(client)
	info, err := client.Info(ctx)
	if err != nil {
		return restore.Imported{}, err
	}
	id := i.OperationID
	if id == "" {
		if id, err = contract.NewOperationID(i.Random); err != nil {
			return restore.Imported{}, err
		}
	}

	request := contract.ImportRequest{
		OperationID: id, SourceApp: app.App, SourceVersion: app.Version, DryRun: i.DryRun, Progress: report,
	}
	for _, d := range app.Datasets {
		request.Datasets = append(request.Datasets, contract.DatasetSource{
			Name: d.Name, Schema: d.Schema, Rows: d.Rows, Size: d.Size, Digest: d.Digest, Positions: d.Positions,
			Open: func() (io.ReadCloser, error) { return i.Payloads.Payload(app.AppKey, d) },
		})
	}

	result, err := client.Import(ctx, request)
	if err != nil {
		return restore.Imported{}, fmt.Errorf("application %s: %w", app.AppKey, err)
	}
	imported := restore.Imported{App: info.App, Version: info.Version, Applied: result.Applied, DryRun: i.DryRun, Service: target.Service}
	claimed := map[string]appbur.Digest{}

	for _, d := range result.Datasets {
		claimed[d.Name] = d.Digest
		dataset := restore.ImportedDataset{Name: d.Name, Rows: d.Rows, Size: d.Size, SchemaFrom: d.SchemaFrom, SchemaTo: d.SchemaTo}
		dataset.MediaType = opaqueType(app, d.Name)
		dataset.Uncompared = uncompared(app, d)
		if !sensitive(app, info, d.Name) {
			dataset.Digest = d.Digest
		}
		for _, dropped := range d.Dropped {
			dataset.Dropped = append(dataset.Dropped, describeDropped(dropped))
		}
		for _, filled := range d.Filled {
			dataset.Filled = append(dataset.Filled,
				fmt.Sprintf("%s in %d rows: the saved state is older than the field, it got its default", filled.Field, filled.Rows))
		}
		imported.Datasets = append(imported.Datasets, dataset)
	}

	if i.DryRun {
		return imported, nil // nothing is there to be compared
	}
	differences, err := checker.compare(ctx, client, app, claimed)
	if err != nil {
		return imported, err
	}
	if len(differences) > 0 {
		return imported, appbur.WithHint(fmt.Errorf("application %s after the import: %w: %s", app.AppKey, ErrDiffers, differences[0]),
			"the application's upcast and its declared change disagree, or something else writes to it; stop other writers and restore again")
	}
	return imported, nil
}

// uncompared says why a dataset could not be compared with what was saved, or "".
func uncompared(app appbur.AppState, d contract.ImportedDataset) string {
	for _, saved := range app.Datasets {
		if saved.Name == d.Name && saved.Opaque() && d.SchemaFrom != d.SchemaTo {
			return "it is opaque and the application brought it to another schema"
		}
	}
	return ""
}

// opaqueType returns the media type of a saved dataset that has no rows, or "".
func opaqueType(app appbur.AppState, name string) string {
	for _, saved := range app.Datasets {
		if saved.Name == name && saved.Opaque() {
			return saved.MediaType
		}
	}
	return ""
}

// sensitive reports whether a dataset is, as it was saved or as the application has it
// now. Digests of it are not shown: something short can be guessed by them.
func sensitive(saved appbur.AppState, info contract.Info, dataset string) bool {
	return slices.ContainsFunc(saved.Datasets, func(d appbur.Dataset) bool { return d.Name == dataset && d.Sensitive }) ||
		slices.ContainsFunc(info.Datasets, func(d contract.DatasetInfo) bool { return d.Name == dataset && d.Sensitive })
}

func describeDropped(d contract.Dropped) string {
	what := d.Path
	if what == "" {
		what = "whole rows"
	}
	text := fmt.Sprintf("%s in %d rows (schema %s to %s)", what, d.Rows, d.From, d.To)
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	if !d.Declared {
		text += ", which the application did not declare"
	}
	return text
}

// readiness is the backoff between questions to an application that is not ready.
var readiness = backoff.Backoff{First: 50 * time.Millisecond, Most: 2 * time.Second}

// ready waits until the application's health service says that it serves.
func ready(ctx context.Context, client *contract.Client) error {
	var last error
	for failures := 0; ; failures++ {
		err := client.Ready(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil { // the end of our own time says less than the last answer
			last = err
		}
		var call *contract.Error
		if errors.As(err, &call) && slices.Contains([]codes.Code{codes.Unauthenticated, codes.PermissionDenied}, call.Code) {
			return err // no time makes that better
		}
		if backoff.Sleep(ctx, readiness.Delay(failures)) != nil {
			return last
		}
	}
}

// Connect connects to an application and waits until it says that it serves.
func Connect(ctx context.Context, d Dialer, t Target, wait time.Duration) (*contract.Client, error) {
	importer := Importer{Dialer: d, ReadyTimeout: wait}
	return importer.connect(ctx, t)
}
