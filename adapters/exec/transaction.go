package exec

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur/pkg/contract"
)

// Begin prepares a place for payloads. No command runs before all have arrived.
func (a *Adapter) Begin(context.Context) (contract.Transaction, error) {
	w, err := a.workplace()
	if err != nil {
		return nil, err
	}
	return &transaction{workplace: w, adapter: a}, nil
}

type transaction struct {
	workplace
	adapter *Adapter
	staged  []staged
}

// staged is a payload that waits for the commit.
type staged struct {
	*dataset
	schema, path string
}

var _ contract.OpaqueTransaction = (*transaction)(nil)

// Replace keeps the rows for the commit and runs the check command on them.
func (tx *transaction) Replace(ctx context.Context, name string, rows iter.Seq2[contract.Row, error]) error {
	d, err := tx.adapter.dataset(name)
	if err != nil {
		return err
	}
	return tx.stage(ctx, d, d.Schema, func(w io.Writer) error {
		for row, err := range rows {
			if err != nil {
				return err
			}
			if _, err := w.Write(append(row, '\n')); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReplacePayload keeps the bytes for the commit and runs the check command on
// them. Commands learn the schema; converting an older one is their task.
func (tx *transaction) ReplacePayload(ctx context.Context, name, schema string, payload io.Reader) error {
	d, err := tx.adapter.dataset(name)
	if err != nil {
		return err
	}
	return tx.stage(ctx, d, schema, func(w io.Writer) error {
		_, err := io.Copy(w, payload)
		return err
	})
}

func (tx *transaction) stage(ctx context.Context, d *dataset, schema string, fill func(io.Writer) error) error {
	f, err := tx.create(d.Name + ".new")
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	err = fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}

	if d.check != nil {
		if err := tx.input(ctx, *d.check, run{dataset: d.Name, schema: schema}, f.Name()); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if !refused(err) {
				return d.failed(ctx, "check", err)
			}
			failed := contract.NewError(contract.ReasonPayloadInvalid, "dataset %s: the check command refused it: %s", d.Name,
				describe(err, d.Sensitive()))
			return failed.With("dataset", d.Name)
		}
	}

	tx.staged = append(tx.staged, staged{d, schema, f.Name()})
	return nil
}

// Commit runs the import commands. Exports wait until it is over.
func (tx *transaction) Commit(ctx context.Context) error {
	a := tx.adapter
	a.commands.Lock()
	defer a.commands.Unlock()
	var before []staged

	if a.config.restore {
		for _, s := range tx.staged {
			path, err := tx.previous(ctx, s.dataset)
			if err != nil {
				failed := contract.NewError(contract.ReasonAppFailed, "saving dataset %s before it is replaced, nothing was changed: %s",
					s.Name, describe(err, s.Sensitive()))
				return advised(failed.With("dataset", s.Name), err)
			}
			before = append(before, staged{s.dataset, s.Schema, path})
		}
	}

	for i, s := range tx.staged {
		err := tx.input(ctx, s.load, run{dataset: s.Name, schema: s.schema}, s.path)
		if err == nil {
			continue
		}
		message := fmt.Sprintf("dataset %s: the import command: %s", s.Name, describe(err, s.Sensitive()))
		return advised(contract.NewError(contract.ReasonAppFailed, "%s; %s", message, tx.goBack(ctx, before, i)).With("dataset", s.Name), err)
	}

	tx.close()
	return nil
}

// previous exports a dataset as it is, to be imported again if need be.
func (tx *transaction) previous(ctx context.Context, d *dataset) (string, error) {
	out, err := tx.output(ctx, d.export, run{dataset: d.Name, schema: d.Schema}, d.Name+".before")
	if err != nil {
		return "", err
	}
	return filepath.Join(tx.dir, d.Name+".before"), out.Close()
}

// goBack imports what was there before the failed command and those ahead of it,
// and says what each dataset holds now.
func (tx *transaction) goBack(ctx context.Context, before []staged, failed int) string {
	var holds []string
	for i, s := range tx.staged {
		now := "was not touched"
		switch {
		case i > failed:
		case before != nil:
			now = "holds again what it held before"
			if err := tx.input(ctx, before[i].load, run{dataset: s.Name, schema: before[i].schema}, before[i].path); err != nil {
				now = "could not be put back (" + describe(err, s.Sensitive()) + ") and is in an unknown state"
			}
		case i == failed:
			now = "is in an unknown state"
		default:
			now = "holds what was imported"
		}
		holds = append(holds, s.Name+" "+now)
	}
	return strings.Join(holds, ", ")
}

// Rollback removes the payloads.
func (tx *transaction) Rollback(context.Context) error {
	return os.RemoveAll(tx.dir)
}
