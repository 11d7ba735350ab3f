package contract_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// scripted is an application of functions; what is nil is that of a memory.
type scripted struct {
	contract.App
	snapshot func() error
	rows     func(yield func(contract.Row, error) bool)
	closing  func() error
	replace  func(rows iter.Seq2[contract.Row, error]) error
	commit   func() error
	begun    chan struct{}
}

func (s *scripted) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	if s.snapshot != nil {
		if err := s.snapshot(); err != nil {
			return nil, err
		}
	}
	view, err := s.App.Snapshot(ctx)
	return &scriptedView{view, s}, err
}

type scriptedView struct {
	contract.Snapshot
	s *scripted
}

func (v *scriptedView) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	if v.s.rows != nil {
		return v.s.rows
	}
	return v.Snapshot.Rows(ctx, dataset)
}

func (v *scriptedView) Close() error {
	if v.s.closing != nil {
		return v.s.closing()
	}
	return v.Snapshot.Close()
}

func (s *scripted) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := s.App.Begin(ctx)
	return &scriptedTransaction{tx, s}, err
}

type scriptedTransaction struct {
	contract.Transaction
	s *scripted
}

func (x *scriptedTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	if x.s.begun != nil {
		close(x.s.begun)
		<-ctx.Done()
		return ctx.Err()
	}
	if x.s.replace != nil {
		return x.s.replace(rows)
	}
	return x.Transaction.Replace(ctx, dataset, rows)
}

func (x *scriptedTransaction) Commit(ctx context.Context) error {
	if x.s.commit != nil {
		return x.s.commit()
	}
	return x.Transaction.Commit(ctx)
}

func TestFailingApplications(t *testing.T) {
	const secret = "hunter2"
	leak := errors.New("duplicate key (password)=(" + secret + ")")
	sensitive := notes()
	sensitive.Datasets[0].Clear = false

	tests := map[string]struct {
		app     scripted
		options contract.Options
		reason  contract.Reason
		exports bool
	}{
		"no snapshot": {
			app:    scripted{snapshot: func() error { return errors.New("connection refused") }},
			reason: contract.ReasonBackendUnavailable, exports: true,
		},
		"a reason of its own": {app: scripted{snapshot: func() error {
			return contract.NewError(contract.ReasonNotQuiesced,
				"stop the writers")
		}}, reason: contract.ReasonNotQuiesced, exports: true},
		"a crash while reading": {
			app: scripted{rows: func(func(contract.Row, error) bool) { panic(secret) }}, reason: contract.ReasonPanic,
			exports: true,
		},
		"an error after some rows": {
			app: scripted{rows: someRows(row(`{"id":1}`), nil, errors.New("lost"))}, reason: contract.ReasonAppFailed,
			exports: true,
		},
		"garbage for a row": {app: scripted{rows: someRows(row(`{"id":`), nil, nil)}, reason: contract.ReasonAppFailed, exports: true},
		"rows out of order": {
			app: scripted{rows: someRows(row(`{"id":2}`), row(`{"id":1}`), nil)}, reason: contract.ReasonAppFailed,
			exports: true,
		},
		"a view that was lost": {
			app:    scripted{closing: func() error { return errors.New("snapshot too old") }},
			reason: contract.ReasonAppFailed, exports: true,
		},
		"a quoted secret": {
			app: scripted{rows: someRows(row(`{"id":1}`), nil, leak)}, options: sensitive,
			reason: contract.ReasonAppFailed, exports: true,
		},
		"a crash while writing": {
			app:    scripted{replace: func(iter.Seq2[contract.Row, error]) error { panic(secret) }},
			reason: contract.ReasonPanic,
		},
		"an error while writing": {
			app: scripted{replace: func(iter.Seq2[contract.Row, error]) error { return leak }}, options: sensitive,
			reason: contract.ReasonAppFailed,
		},
		"rows left unread": {
			app:    scripted{replace: func(iter.Seq2[contract.Row, error]) error { return nil }},
			reason: contract.ReasonAppFailed,
		},
		"a commit that fails": {app: scripted{commit: func() error { return leak }}, options: sensitive, reason: contract.ReasonAppFailed},
		"a violated constraint": {app: scripted{commit: func() error {
			return contract.NewError(contract.ReasonConstraintViolation, "dangling reference").With("constraint", "fk")
		}}, reason: contract.ReasonConstraintViolation},
		"an error of rows swallowed": {app: scripted{replace: swallow}, reason: contract.ReasonPayloadInvalid},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			if test.options.ID == "" {
				test.options = notes()
			}
			test.options.Log = slog.New(slog.NewTextHandler(&log, nil))
			held := memory(row(`{"id":1}`))
			test.app.App = held
			client := start(t, &test.app, test.options)
			var err error
			if test.exports {
				_, _, err = export(t, client)
			} else {
				text := "{\"id\":2}\n"
				if name == "an error of rows swallowed" {
					text = "{\"id\":2}\n{\"id\":1}\n"
				}
				_, err = client.Import(t.Context(), request(t, source("notes", "1.0", text)))
			}
			wantReason(t, err, test.reason)
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a secret reached the caller: %v", err)
			}
			if strings.Contains(log.String(), secret) {
				t.Errorf("a secret reached the log: %s", log.String())
			}
			if rows := held.Rows("notes"); len(rows) != 1 || string(rows[0]) != `{"id":1}` {
				t.Errorf("the state became %s", rows)
			}
			// The server goes on serving.
			if _, err := client.Info(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func someRows(first, second contract.Row, last error) func(func(contract.Row, error) bool) {
	return func(yield func(contract.Row, error) bool) {
		if !yield(first, nil) {
			return
		}
		if second != nil && !yield(second, nil) {
			return
		}
		if last != nil {
			yield(nil, last)
		}
	}
}

func swallow(rows iter.Seq2[contract.Row, error]) error {
	for _, err := range rows {
		if err != nil {
			return nil
		}
	}
	return nil
}

// forger writes something else than it is given.
type forger struct{ *contracttest.Memory }

type forgery struct{ contract.Rereader }

func (f *forger) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := f.Memory.Begin(ctx)
	reader, ok := tx.(contract.Rereader)
	if !ok {
		return nil, errors.New("the memory cannot read back")
	}
	return forgery{reader}, err
}

func (f forgery) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	return f.Rereader.Replace(ctx, dataset, func(yield func(contract.Row, error) bool) {
		for r, err := range rows {
			if !yield(bytes.Replace(r, []byte("1.5"), []byte("1.4"), 1), err) {
				return
			}
		}
	})
}

func TestWhatReadsBackDifferentlyIsRolledBack(t *testing.T) {
	held := memory(row(`{"id":1}`))
	client := start(t, &forger{held}, notes())
	_, err := client.Import(t.Context(), request(t, source("notes", "1.0", "{\"id\":1,\"price\":1.5}\n")))
	wantReason(t, err, contract.ReasonVerifyFailed)
	if rows := held.Rows("notes"); len(rows) != 1 || string(rows[0]) != `{"id":1}` {
		t.Errorf("the state became %s", rows)
	}
}
