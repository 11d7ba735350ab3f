package contract

import (
	"context"
	"encoding/json"
	"io"
	"iter"
)

// Row is one record of a dataset: one JSON object. The package brings every row
// into canonical form (see [Canonical]), so an application may write it in any
// order and with any spacing.
type Row = json.RawMessage

// App is what an author writes to make an application restorable. Both methods
// may be called from several goroutines at once.
type App interface {
	// Snapshot opens one consistent view over all datasets. Later writes must not
	// show in it.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Begin opens one transaction over all datasets. The package never has two of
	// them open at once.
	Begin(ctx context.Context) (Transaction, error)
}

// Snapshot is the read side of an export. It is used by one goroutine.
type Snapshot interface {
	// Rows yields every row of the dataset in strictly increasing key order:
	// false before true, numbers by value, text by its UTF-8 bytes. The package
	// checks the order. After an error it requests nothing more.
	Rows(ctx context.Context, dataset string) iter.Seq2[Row, error]
	// Close releases the view. It is called once, whatever happened.
	Close() error
}

// Transaction is the write side of an import. It is used by one goroutine.
// Nothing that it did may be visible to anybody before Commit returns.
type Transaction interface {
	// Replace makes the given rows the complete content of the dataset. Datasets
	// arrive so that each comes after those it depends on. rows must be read to
	// its end; an error among them must end Replace. A row belongs to the callee.
	Replace(ctx context.Context, dataset string, rows iter.Seq2[Row, error]) error
	// Commit makes everything visible at once. Its context is never cancelled by
	// a caller that went away.
	Commit(ctx context.Context) error
	// Rollback undoes everything. It is called once on every path on which Commit
	// was not called or failed.
	Rollback(ctx context.Context) error
}

// Rereader is a [Transaction] that can also read what it wrote. Before it
// commits, the package then reads every replaced dataset again and compares
// digests; a difference fails the import with [ReasonVerifyFailed].
type Rereader interface {
	Transaction
	// Rows is [Snapshot.Rows] as the transaction itself sees the dataset.
	Rows(ctx context.Context, dataset string) iter.Seq2[Row, error]
}

// Precommitter is a [Transaction] whose Commit can refuse what Replace took, such as
// constraints that are checked at the end. A dry run calls Precommit where an import calls
// Commit, so that it says the same.
type Precommitter interface {
	Transaction
	// Precommit fails as Commit would, and commits nothing.
	Precommit(ctx context.Context) error
}

// Readier is an [App] that knows whether its backend can be reached. The health
// service then reports SERVING only while Ready returns nil. An application
// without it is taken for ready as soon as the server accepts calls.
type Readier interface {
	Ready(ctx context.Context) error
}

// OpaqueSnapshot is a [Snapshot] of an application that has opaque datasets; see
// [Dataset.MediaType].
type OpaqueSnapshot interface {
	Snapshot
	// Payload opens the bytes of an opaque dataset. Equal state gives equal bytes.
	Payload(ctx context.Context, dataset string) (io.ReadCloser, error)
}

// OpaqueTransaction is a [Transaction] of an application that has opaque datasets.
type OpaqueTransaction interface {
	Transaction
	// ReplacePayload makes the bytes the complete content of an opaque dataset. schema
	// is the version that they were written in, one of those that the dataset
	// reads. payload must be read to its end; an error of it must end the call.
	ReplacePayload(ctx context.Context, dataset, schema string, payload io.Reader) error
}

// Fingerprinter is an [App] that can say cheaply whether a dataset changed. If the
// [Transaction] of the application is a Fingerprinter too, it is called instead
// while an import checks what it is about to replace, which leaves no gap between
// the look and the change.
type Fingerprinter interface {
	// Fingerprint returns 1 to 128 bytes that differ whenever the content of the
	// dataset does. They may differ without need; they must never be equal without
	// reason.
	Fingerprint(ctx context.Context, dataset string) ([]byte, error)
}

// Verifier is an [App] that can check its own state beyond what digests show.
type Verifier interface {
	// Verify returns one sentence per thing that is wrong, none when all is well.
	// An error means that the check could not be made.
	Verify(ctx context.Context) (problems []string, err error)
}

// Estimator is an [App] that can guess the size of a dataset cheaply.
type Estimator interface {
	// Estimate returns rows and bytes of the payload, 0 for what it cannot guess.
	Estimate(ctx context.Context, dataset string) (rows, size int64, err error)
}
