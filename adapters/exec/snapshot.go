package exec

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"github.com/appbur/appbur/pkg/contract"
)

// Snapshot puts the application to rest, if a command does that. Import commands
// wait until it is closed.
func (a *Adapter) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	a.commands.RLock()
	w, err := a.workplace()
	if err != nil {
		a.commands.RUnlock()
		return nil, err
	}
	s := &snapshot{adapter: a, workplace: w, ctx: context.WithoutCancel(ctx)}
	if a.config.quiesce == nil {
		return s, nil
	}

	said := &tail{}
	s.rest, err = a.runner.Rest(ctx, a.config.quiesce.call(run{}, said), a.config.release.call(run{}, said))
	if err != nil {
		// Half a rest is no rest: the application goes on either way.
		err = heard(err, said)
		return nil, errors.Join(advised(contract.NewError(contract.ReasonNotQuiesced, "putting %s to rest: %s", a.config.App,
			describe(err, a.sensitive())), err), s.Close())
	}
	return s, nil
}

type snapshot struct {
	workplace
	adapter *Adapter
	ctx     context.Context
	// rest is nil for an application that goes on.
	rest Rest
}

var _ contract.OpaqueSnapshot = (*snapshot)(nil)

// Rows yields the lines that the export command printed.
func (s *snapshot) Rows(ctx context.Context, name string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		payload, err := s.Payload(ctx, name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = payload.Close() }()
		lines := bufio.NewReader(payload)

		for {
			line, err := lines.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line, nil) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// Payload runs the export command and opens what it gave once it has ended well.
func (s *snapshot) Payload(ctx context.Context, name string) (io.ReadCloser, error) {
	d, err := s.adapter.dataset(name)
	if err != nil {
		return nil, err
	}
	out, err := s.output(ctx, d.export, run{dataset: d.Name, schema: d.Schema}, d.Name+".printed")
	if err != nil {
		return nil, d.failed(ctx, "export", err)
	}
	if err := s.held(ctx); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if d.strip == nil && d.sort == asPrinted {
		return out, nil
	}
	defer func() { _ = out.Close() }()

	stable, err := s.create(d.Name + ".stable")
	if err != nil {
		return nil, err
	}
	err = stabilize(stable, out, d.strip, d.sort)
	if err == nil {
		_, err = stable.Seek(0, 0)
	}
	if err != nil {
		return nil, errors.Join(err, stable.Close())
	}
	return stable, nil
}

// held makes sure that what was exported until now is from the time of the rest.
func (s *snapshot) held(ctx context.Context) error {
	if s.rest == nil {
		return nil
	}
	err := s.rest.Held(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return advised(contract.NewError(contract.ReasonNotQuiesced, "%s went on before its state was read completely: %s", s.adapter.config.App,
		describe(err, s.adapter.sensitive())), err)
}

// Close lets the application go on.
func (s *snapshot) Close() error {
	defer s.adapter.commands.RUnlock()
	s.close()
	if s.rest == nil {
		return nil
	}
	if err := s.rest.End(s.ctx); err != nil {
		return advised(contract.NewError(contract.ReasonAppFailed, "letting %s go on: %s", s.adapter.config.App,
			describe(err, s.adapter.sensitive())), err)
	}
	return nil
}

// failed says in terms of the contract which command of the dataset failed. An end
// that the caller requested stays one.
func (d *dataset) failed(ctx context.Context, which string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	failed := contract.NewError(contract.ReasonAppFailed, "dataset %s: the %s command: %s", d.Name, which, describe(err, d.Sensitive()))
	return advised(failed.With("dataset", d.Name), err)
}
