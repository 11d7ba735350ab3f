package apps

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Exported is the state of one application, whole.
type Exported struct {
	appbur.AppState
	// Data holds the payload of each dataset, by name.
	Data map[string][]byte
}

// Export asks one application for its whole state. Payloads are held in memory:
// application state is meant to be small, and Git takes each piece whole.
func Export(ctx context.Context, d Dialer, t Target, random io.Reader) (Exported, error) {
	client, err := d.dial(ctx, t)
	if err != nil {
		return Exported{}, err
	}
	defer hangUp(client)
	buffers := map[string]*bytes.Buffer{}
	result, err := export(ctx, client, random, func(h contract.DatasetHeader) io.Writer {
		buffers[h.Name] = &bytes.Buffer{}
		return buffers[h.Name]
	})
	if err != nil {
		return Exported{}, appbur.WithHint(fmt.Errorf("application %s: %w", t.AppKey, err), hint(err, "look into the log of the application"))
	}
	exported := Exported{
		AppState: appbur.AppState{AppKey: t.AppKey, App: result.App, Version: result.Version},
		Data:     map[string][]byte{},
	}
	for _, dataset := range result.Datasets {
		exported.Datasets = append(exported.Datasets, appbur.Dataset{
			Name: dataset.Name, Schema: dataset.Schema, MediaType: dataset.MediaType, Sensitive: dataset.Sensitive,
			Rows: dataset.Rows, Size: dataset.Size, Digest: dataset.Digest,
		})
		exported.Data[dataset.Name] = buffers[dataset.Name].Bytes()
	}
	return exported, nil
}

func export(ctx context.Context, client *contract.Client, random io.Reader, open func(contract.DatasetHeader) io.Writer) (contract.ExportResult, error) {
	id, err := contract.NewOperationID(random)
	if err != nil {
		return contract.ExportResult{}, err
	}
	return client.Export(ctx, contract.ExportRequest{OperationID: id}, contract.SinkFunc(func(h contract.DatasetHeader) (io.WriteCloser, error) {
		return nopCloser{open(h)}, nil
	}))
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
