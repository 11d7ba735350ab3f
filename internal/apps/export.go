package apps

import (
	"context"
	"fmt"
	"io"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Store takes the payloads of applications while they come.
type Store interface {
	// Dataset begins a payload and returns where its bytes go. Of the dataset, name,
	// schema, media type, key and sensitivity are known. The writer is closed on every
	// path, so that it was closed does not mean that the payload is complete.
	Dataset(key appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error)
}

// Export asks one application for its complete state and streams it into a store. What
// is stored is worth something only if the error is nil; the returned state then says
// what it has to be.
func Export(ctx context.Context, d Dialer, t Target, store Store, random io.Reader) (appbur.AppState, error) {
	client, err := d.dial(ctx, t, 0)
	if err != nil {
		return appbur.AppState{}, err
	}
	defer hangUp(client)
	result, err := export(ctx, client, random, t.Datasets, nil, func(h contract.DatasetHeader) (io.WriteCloser, error) {
		return store.Dataset(t.AppKey, datasetOf(h))
	})
	if err != nil {
		return appbur.AppState{}, appbur.WithHint(fmt.Errorf("application %s: %w", t.AppKey, err),
			hint(err, "look into the log of the application"))
	}

	state := appbur.AppState{AppKey: t.AppKey, App: result.App, Version: result.Version}
	for _, exported := range result.Datasets {
		dataset := datasetOf(exported.DatasetHeader)
		dataset.Rows, dataset.Size, dataset.Digest, dataset.Positions = exported.Rows, exported.Size, exported.Digest, exported.Positions
		state.Datasets = append(state.Datasets, dataset)
	}

	return state, nil
}

func datasetOf(h contract.DatasetHeader) appbur.Dataset {
	return appbur.Dataset{Name: h.Name, Schema: h.Schema, MediaType: h.MediaType, Key: h.Key, Sensitive: h.Sensitive}
}

func export(
	ctx context.Context, client *contract.Client, random io.Reader, datasets []string, report func(contract.Progress), open contract.SinkFunc,
) (contract.ExportResult, error) {
	id, err := contract.NewOperationID(random)
	if err != nil {
		return contract.ExportResult{}, err
	}
	return client.Export(ctx, contract.ExportRequest{OperationID: id, Datasets: datasets, Progress: report}, open)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
