package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// follow sends the caller the progress of an import, until it ends. The import does not
// need its caller any more.
func (s *service) follow(ctx context.Context, stream importStream, x *importSession) error {
	beat := time.NewTicker(min(s.options.Heartbeat, progressInterval))
	defer beat.Stop()
	var last *contractpb.Progress
	silent := time.Duration(0)

	for {
		select {
		case <-x.done:
			if x.err != nil {
				return x.err
			}
			return stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Result{Result: x.result}})
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
			silent += min(s.options.Heartbeat, progressInterval)
			now := x.watch.progress()
			if proto.Equal(now, last) && silent < s.options.Heartbeat {
				continue
			}
			last, silent = now, 0
			if err := stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Progress{Progress: now}}); err != nil {
				return err
			}
		}
	}
}

// progressInterval is how often a caller gets the progress of an import that moves.
const progressInterval = time.Second

// apply runs the one transaction of an import.
func (s *service) apply(x *importSession) (err error) {
	defer func() {
		// Whoever cancelled the import said why; the application only says that it
		// was cancelled.
		if cause := new(*Error); err != nil && errors.As(context.Cause(x.ctx), cause) {
			err = *cause
		}
	}()
	defer s.recoverInto(x.ctx, "Import", &err)
	return (&applying{importSession: x}).run(x.ctx)
}

// applying is the effect of one import.
type applying struct{ *importSession }

// run replaces all datasets in one transaction. On every path but that of a
// successful commit the transaction is rolled back, crashes included.
func (a *applying) run(ctx context.Context) (err error) {
	tx, err := a.service.app.Begin(ctx)
	if err != nil {
		return appError(ReasonBackendUnavailable, "beginning a transaction", false, err)
	}

	committed := false
	defer func() {
		if committed {
			return
		}
		if rollback := tx.Rollback(context.WithoutCancel(ctx)); rollback != nil {
			a.service.options.Log.ErrorContext(ctx, "rolling back an import", "operation", a.id, "error", a.service.discreet(rollback))
			if err == nil {
				err = appError(ReasonAppFailed, "rolling back a dry run", a.sensitive(), rollback)
			}
		}
	}()

	result := &contractpb.ImportResult{Applied: !a.dryRun, Untouched: a.untouched}
	if result.Before, err = a.checkTarget(ctx, tx); err != nil {
		return err
	}

	for _, p := range a.parts {
		r, err := a.replace(ctx, tx, p)
		if err != nil {
			return err
		}
		result.Datasets = append(result.Datasets, r)
		warning, err := continuePositions(ctx, tx, p)
		if err != nil {
			return err
		}
		if warning != "" {
			result.Warnings = append(result.Warnings, warning)
		}
	}

	if err := a.reread(ctx, tx, result); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return appError(ReasonAppFailed, "applying", false, err)
	}
	if a.dryRun {
		a.result = result
		return a.precommit(ctx, tx)
	}

	a.watch.at(contractpb.Phase_PHASE_COMMITTING, "")
	if err := a.commitPoint(); err != nil {
		return appError(ReasonAppFailed, "applying", false, err)
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return appError(ReasonAppFailed, "committing", a.sensitive(), err)
	}
	committed = true
	result.After = a.fingerprintsAfter(context.WithoutCancel(ctx))
	a.result = result
	return nil
}

// precommit asks at the end of a dry run for what only a commit would refuse.
func (a *applying) precommit(ctx context.Context, tx Transaction) error {
	checked, ok := tx.(Precommitter)
	if !ok {
		return nil
	}
	if err := checked.Precommit(ctx); err != nil {
		return appError(ReasonAppFailed, "checking before a commit", a.sensitive(), err)
	}
	return nil
}

func (a *applying) sensitive() bool {
	for _, p := range a.parts {
		if p.definition.Sensitive() {
			return true
		}
	}
	return false
}

// replace hands one dataset to the application.
func (a *applying) replace(ctx context.Context, tx Transaction, p *importPart) (*contractpb.DatasetResult, error) {
	d := p.definition
	a.watch.at(contractpb.Phase_PHASE_APPLYING, d.Name)
	if err := p.rewind(); err != nil {
		return nil, appError(ReasonAppFailed, "importing dataset "+d.Name, false, err)
	}
	if d.opaque() {
		return a.replaceOpaque(ctx, tx, p)
	}
	f := newFeed(p, a.watch.count)

	err := tx.Replace(ctx, d.Name, f.rows)
	switch {
	case f.failure != nil:
		// What is wrong with the rows explains what the application made of it.
		return nil, f.failure
	case err != nil:
		return nil, appError(ReasonAppFailed, fmt.Sprintf("replacing dataset %s", d.Name), d.Sensitive(), err)
	case !f.ended:
		return nil, NewError(ReasonAppFailed, "the application took %d rows of dataset %s and left the rest", f.out.rows, d.Name)
	}

	digest := f.out.digest()
	return &contractpb.DatasetResult{
		Name: d.Name, SchemaFrom: p.announced.schema, SchemaTo: d.schema.String(),
		Rows: uint64(f.out.rows), Bytes: uint64(f.out.size), Sha256: digest[:], Dropped: slices.Concat(f.upcaster.report(), f.unknown.report()),
		Filled: f.defaults.report(),
	}, nil
}

// reread compares what the transaction sees with what it was given.
func (a *applying) reread(ctx context.Context, tx Transaction, result *contractpb.ImportResult) error {
	reader, ok := tx.(Rereader)
	if !ok {
		return nil
	}

	for i, p := range a.parts {
		d, want := p.definition, result.GetDatasets()[i]
		if d.opaque() {
			continue
		}
		a.watch.at(contractpb.Phase_PHASE_VERIFYING, d.Name)
		got := newTally()
		var canonical []byte
		for row, err := range reader.Rows(ctx, d.Name) {
			if err != nil {
				return appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s back", d.Name), d.Sensitive(), err)
			}
			if canonical, err = appendCanonical(canonical[:0], row); err != nil {
				return rowError(ReasonVerifyFailed, d.Name, got.rows+1, err)
			}
			got.line(canonical)
			a.watch.count(got.rows)
		}
		if digest := got.digest(); string(digest[:]) != string(want.GetSha256()) {
			return NewError(ReasonVerifyFailed, "dataset %s: %d rows were written and %d read back, with another digest", d.Name, want.GetRows(),
				got.rows).
				With("dataset", d.Name)
		}
		want.Verified = true
	}

	return nil
}
