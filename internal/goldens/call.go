package goldens

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
)

// exported is one dataset as it came.
type exported struct {
	schema    string
	rows      int64
	opaque    bool
	digest    appbur.Digest
	positions []appbur.Position
	data      []byte
}

// ErrTooLarge says that the state of an application is too large for a golden.
var ErrTooLarge = errors.New("the state is too large for a golden")

// sink collects a payload up to a limit.
type sink struct {
	bytes.Buffer

	name string
}

// Write implements [io.Writer].
func (s *sink) Write(p []byte) (int, error) {
	if s.Len()+len(p) > largest {
		return 0, fmt.Errorf("%w: dataset %s has more than %d MiB", ErrTooLarge, s.name, largest>>20)
	}
	return s.Buffer.Write(p)
}

// Close implements [io.Closer].
func (s *sink) Close() error { return nil }

// export reads the complete state of an application.
func export(ctx context.Context, client *contract.Client, random io.Reader) (map[string]exported, error) {
	id, err := contract.NewOperationID(random)
	if err != nil {
		return nil, err
	}
	sinks := map[string]*sink{}
	open := func(h contract.DatasetHeader) (io.WriteCloser, error) {
		sinks[h.Name] = &sink{name: h.Name}
		return sinks[h.Name], nil
	}
	result, err := client.Export(ctx, contract.ExportRequest{OperationID: id}, contract.SinkFunc(open))
	if err != nil {
		return nil, err
	}

	all := map[string]exported{}
	for _, d := range result.Datasets {
		all[d.Name] = exported{
			schema: d.Schema, rows: d.Rows, digest: d.Digest, positions: d.Positions, data: sinks[d.Name].Bytes(),
			opaque: d.MediaType != contract.MediaType,
		}
	}
	return all, nil
}

// inRows decodes what was exported.
func inRows(all map[string]exported) (map[string]golden.Exported, error) {
	decoded := map[string]golden.Exported{}
	for name, d := range all {
		e := golden.Exported{Schema: d.schema, Digest: d.digest}
		if !d.opaque {
			var err error
			if e.Rows, err = decodeRows(d.data); err != nil {
				return nil, fmt.Errorf("dataset %s: %w", name, err)
			}
		}
		decoded[name] = e
	}
	return decoded, nil
}

// source is a payload that is in memory.
func source(name, schema string, rows int64, data []byte, positions []appbur.Position) contract.DatasetSource {
	return contract.DatasetSource{
		Name: name, Schema: schema, Rows: rows, Size: int64(len(data)), Digest: appbur.DigestOf(data), Positions: positions,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

// caller imports into an application.
type caller struct {
	client *contract.Client
	random io.Reader
}

// imports hands an application payloads. Its refusal is an answer, not an error: an error is that it
// could not be asked.
func (c caller) imports(ctx context.Context, app, version string, dry bool, sources []contract.DatasetSource) (golden.Attempt, error) {
	id, err := contract.NewOperationID(c.random)
	if err != nil {
		return golden.Attempt{}, err
	}
	result, err := c.client.Import(ctx, contract.ImportRequest{
		OperationID: id, SourceApp: app, SourceVersion: version, Datasets: sources, DryRun: dry, Actor: "a check of golden payloads",
	})
	if err != nil {
		refusal, isAnswer := refusalOf(err)
		if !isAnswer {
			return golden.Attempt{}, err
		}
		return golden.Attempt{Refusal: &refusal}, nil
	}

	var attempt golden.Attempt
	for _, d := range result.Datasets {
		attempt.Datasets = append(attempt.Datasets, answerOf(d))
	}
	return attempt, nil
}

// elsewhere are reasons that say nothing about a payload.
var elsewhere = []contract.Reason{
	contract.ReasonBackendUnavailable, contract.ReasonOperationInProgress, contract.ReasonNoSpace, contract.ReasonNotQuiesced,
}

func refusalOf(err error) (golden.Refusal, bool) {
	var call *contract.Error
	switch {
	case errors.Is(err, contract.ErrViolation):
		return golden.Refusal{Message: err.Error()}, true
	case !errors.As(err, &call) || call.Reason == "" || slices.Contains(elsewhere, call.Reason):
		return golden.Refusal{}, false
	}
	message := call.Message
	if _, own, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(message, "importing into the application at ") {
		message = own // where it is, everybody knows who reads this
	}
	return golden.Refusal{Reason: string(call.Reason), Message: message}, true
}

func answerOf(d contract.ImportedDataset) golden.Answer {
	a := golden.Answer{Name: d.Name, Rows: d.Rows, Digest: d.Digest, SchemaFrom: d.SchemaFrom, SchemaTo: d.SchemaTo}
	for _, l := range d.Dropped {
		a.Dropped = append(a.Dropped, golden.Loss{Path: l.Path, From: l.From, To: l.To, Rows: l.Rows})
		switch {
		case !l.Declared && l.Path == "":
			a.UndeclaredLosses = append(a.UndeclaredLosses, "whole rows")
		case !l.Declared:
			a.UndeclaredLosses = append(a.UndeclaredLosses, l.Path)
		case l.From == l.To && strings.Count(l.Path, "/") == 1:
			a.UnknownLeftOut = append(a.UnknownLeftOut, strings.NewReplacer("~1", "/", "~0", "~").Replace(l.Path[1:]))
		}
	}
	for _, f := range d.Filled {
		a.Filled = append(a.Filled, f.Field)
	}
	return a
}
