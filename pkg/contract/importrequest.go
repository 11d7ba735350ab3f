package contract

import (
	"io"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// DatasetSource is one payload to import.
type DatasetSource struct {
	Name, Schema string
	Rows, Size   int64
	Digest       appbur.Digest
	// Positions are those that came with the payload. Applications that number rows go
	// on from there; others do not look at them.
	Positions []appbur.Position
	// Open returns the payload from its start.
	Open func() (io.ReadCloser, error)
}

// ImportRequest is a state for an application to import.
type ImportRequest struct {
	// OperationID is the caller's; see [NewOperationID]. A repeated call with the
	// same id and payload gets the answer of the first.
	OperationID string
	// SourceApp is the id of the application that the payload was exported by.
	SourceApp, SourceVersion string
	// Datasets will be replaced. Others are left alone.
	Datasets []DatasetSource
	// DryRun does everything except commit.
	DryRun bool
	// Expected makes the application refuse, with [ReasonTargetChanged], when a
	// dataset has another fingerprint by then; see [Client.Fingerprints].
	Expected map[string][]byte
	// Actor says who is behind the import, for the application's record.
	Actor string
	// Progress, when set, is called with the progress. It is called from another
	// goroutine, one call at a time.
	Progress func(Progress)
}

// Progress says what an export or an import is doing.
type Progress struct {
	// Phase is one of "exporting", "receiving", "applying", "verifying" and "committing".
	Phase   string
	Dataset string
	// Bytes were transferred; Rows were processed.
	Bytes, Rows int64
}

// ImportResult is what became of an import.
type ImportResult struct {
	// Applied is false for a dry run.
	Applied bool
	// Replayed is true when the import had finished before under the same id.
	Replayed bool
	// Datasets are in the order in which they were replaced.
	Datasets []ImportedDataset
	// Untouched are datasets that the application has and the payload had not.
	Untouched []string
	// Before and After are the fingerprints of the replaced datasets, when the
	// application has any.
	Before, After map[string][]byte
	// Warnings are what a person should know, in sentences.
	Warnings []string
}

// ImportedDataset is what became of one dataset.
type ImportedDataset struct {
	Name                 string
	SchemaFrom, SchemaTo string
	// Rows, Size and Digest are those of the state after, as the application would
	// export it; of an opaque payload of another schema, those of the payload.
	Rows, Size int64
	Digest     appbur.Digest
	// Verified says that the application read the state back before it committed.
	Verified bool
	// Dropped is what was in the payload and is not in the state.
	Dropped []Dropped
	// Filled is what was not in the payload and got a default.
	Filled []Filled
}

// Filled is a field that was missing from rows of a payload.
type Filled struct {
	Field string
	Rows  int64
}

// Dropped is data that an upcast left behind.
type Dropped struct {
	// Path is the JSON Pointer of the field; empty when complete rows were dropped.
	Path string
	// From and To name the step.
	From, To string
	Rows     int64
	// Declared is false when the application did not say that it would: a defect.
	Declared bool
	Reason   string
}

func (r ImportResult) mentions(dataset string) bool {
	for _, d := range r.Datasets {
		if d.Name == dataset {
			return true
		}
	}
	return false
}

func readImported(d *contractpb.DatasetResult) (ImportedDataset, error) {
	digest, err := digestOf(d.GetSha256())
	if err != nil {
		return ImportedDataset{}, err
	}
	imported := ImportedDataset{
		Name: d.GetName(), SchemaFrom: d.GetSchemaFrom(), SchemaTo: d.GetSchemaTo(),
		Rows: int64(d.GetRows()), Size: int64(d.GetBytes()), Digest: digest, Verified: d.GetVerified(),
	}
	for _, l := range d.GetDropped() {
		imported.Dropped = append(imported.Dropped, Dropped{
			Path: l.GetPath(), From: l.GetFrom(), To: l.GetTo(), Rows: int64(l.GetRows()), Declared: l.GetDeclared(), Reason: l.GetReason(),
		})
	}
	for _, f := range d.GetFilled() {
		imported.Filled = append(imported.Filled, Filled{Field: f.GetField(), Rows: int64(f.GetRows())})
	}
	return imported, nil
}
