package contract

import (
	"context"
	"fmt"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// apply runs the one transaction and answers.
func (s *service) apply(ctx context.Context, stream importStream, m *importing) error {
	out := newBeating(s.heartbeat, stream.Send, func(p *contractpb.Progress) *contractpb.ImportResponse {
		return &contractpb.ImportResponse{Message: &contractpb.ImportResponse_Progress{Progress: p}}
	})
	stop := out.start()
	defer stop()
	a := &applying{service: s, importing: m, out: out}
	if err := a.run(ctx); err != nil {
		return err
	}
	s.operations.add(ctx, m.operation)
	stop()
	return out.send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Result{Result: m.result}})
}

// applying is the effect of one import.
type applying struct {
	*importing
	service *service
	out     *beating[*contractpb.ImportResponse]
}

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
			a.service.options.Log.ErrorContext(ctx, "rolling back an import", "operation", a.id, "error", rollback)
			if err == nil {
				err = appError(ReasonAppFailed, "rolling back a dry run", a.sensitive(), rollback)
			}
		}
	}()
	result := &contractpb.ImportResult{Applied: !a.dryRun, Untouched: a.untouched}
	for _, p := range a.parts {
		r, err := a.replace(ctx, tx, p)
		if err != nil {
			return err
		}
		result.Datasets = append(result.Datasets, r)
	}
	if err := a.reread(ctx, tx, result); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return appError(ReasonAppFailed, "applying", false, err)
	}
	a.result = result
	if a.dryRun {
		return nil
	}
	a.out.at(contractpb.Phase_PHASE_COMMITTING, "")
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return appError(ReasonAppFailed, "committing", a.sensitive(), err)
	}
	committed = true
	return nil
}

func (a *applying) sensitive() bool {
	for _, p := range a.parts {
		if p.definition.Sensitive {
			return true
		}
	}
	return false
}

// replace hands one dataset to the application.
func (a *applying) replace(ctx context.Context, tx Transaction, p *importPart) (*contractpb.DatasetResult, error) {
	d := p.definition
	a.out.at(contractpb.Phase_PHASE_APPLYING, d.Name)
	if err := p.rewind(); err != nil {
		return nil, appError(ReasonAppFailed, "importing dataset "+d.Name, false, err)
	}
	f := newFeed(p, a.out.count)
	err := tx.Replace(ctx, d.Name, f.rows)
	switch {
	case f.failure != nil:
		// What is wrong with the rows explains what the application made of it.
		return nil, f.failure
	case err != nil:
		return nil, appError(ReasonAppFailed, fmt.Sprintf("replacing dataset %s", d.Name), d.Sensitive, err)
	case !f.ended:
		return nil, NewError(ReasonAppFailed, "the application took %d rows of dataset %s and left the rest", f.out.rows, d.Name)
	}
	digest := f.out.digest()
	return &contractpb.DatasetResult{
		Name: d.Name, SchemaFrom: p.announced.schema, SchemaTo: d.schema.String(),
		Rows: uint64(f.out.rows), Bytes: uint64(f.out.size), Sha256: digest[:], Dropped: f.upcaster.report(),
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
		a.out.at(contractpb.Phase_PHASE_VERIFYING, d.Name)
		got := newTally()
		var canonical []byte
		for row, err := range reader.Rows(ctx, d.Name) {
			if err != nil {
				return appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s back", d.Name), d.Sensitive, err)
			}
			if canonical, err = appendCanonical(canonical[:0], row); err != nil {
				return rowError(ReasonVerifyFailed, d.Name, got.rows+1, err)
			}
			got.line(canonical)
			a.out.count(got.rows)
		}
		if digest := got.digest(); string(digest[:]) != string(want.GetSha256()) {
			return NewError(ReasonVerifyFailed, "dataset %s: %d rows were written and %d read back, with another digest", d.Name, want.GetRows(), got.rows).
				With("dataset", d.Name)
		}
		want.Verified = true
	}
	return nil
}
