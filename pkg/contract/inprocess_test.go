package contract_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// readying is an application that is asked whether it is ready.
type readying struct {
	contract.App

	err error
}

func (r readying) Ready(context.Context) error { return r.err }

type dropped struct{ io.Writer }

func (dropped) Close() error { return nil }

// An application is served to its own process: as to any other, and only as long as the client is there.
func TestAnApplicationIsServedInProcess(t *testing.T) {
	for _, unready := range []error{nil, errors.New("the disk is away")} {
		app := contracttest.NewMemory(map[string][]contract.Row{"notes": {contract.Row(`{"id":1}`)}})
		options := contract.Options{
			ID: "example.com", Version: "1.0", Datasets: []contract.Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}},
		}
		client, err := contract.InProcess(t.Context(), readying{app, unready}, options, contract.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Ready(t.Context()); (err == nil) != (unready == nil) {
			t.Errorf("asked at once it is %v, want %v", err, unready)
		}
		id, err := contract.NewOperationID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		sink := contract.SinkFunc(func(contract.DatasetHeader) (io.WriteCloser, error) { return dropped{io.Discard}, nil })
		_, err = client.Export(t.Context(), contract.ExportRequest{OperationID: id}, sink)
		if err != nil {
			t.Error(err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if _, err := client.Info(t.Context()); err == nil {
			t.Error("it answers after its end")
		}
	}
}
