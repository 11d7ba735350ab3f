package apps

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// store keeps what an export brings.
type store struct {
	datasets map[string]appbur.Dataset
	payloads map[string]*bytes.Buffer
	open     int
	// fail is the error of every write.
	fail error
}

type storing struct {
	*store
	name string
}

func (s *store) Dataset(_ appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	s.datasets[d.Name], s.payloads[d.Name] = d, &bytes.Buffer{}
	s.open++
	return &storing{s, d.Name}, nil
}

func (p *storing) Write(data []byte) (int, error) {
	if p.fail != nil {
		return 0, p.fail
	}
	return p.payloads[p.name].Write(data)
}

func (p *storing) Close() error {
	p.open--
	return nil
}

func newStore() *store {
	return &store{datasets: map[string]appbur.Dataset{}, payloads: map[string]*bytes.Buffer{}}
}

// breaking is an application whose rows end with an error after some.
type breaking struct{ contract.App }

func (b breaking) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	snapshot, err := b.App.Snapshot(ctx)
	return breakingSnapshot{snapshot}, err
}

type breakingSnapshot struct{ contract.Snapshot }

func (b breakingSnapshot) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for row, err := range b.Snapshot.Rows(ctx, dataset) {
			if !yield(row, err) {
				return
			}
		}
		yield(nil, errors.New("the disk is gone"))
	}
}

// serve runs an application until the test ends.
func serve(t *testing.T, app contract.App) Target {
	t.Helper()
	server, err := contract.NewServer(app, contract.Options{
		ID: "example.com", Version: "1.2.3", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{
			{Name: "users", Schema: "1.0", Key: []string{"id"}},
			{Name: "orders", Schema: "2.1", Key: []string{"user", "id"}, Clear: true, DependsOn: []string{"users"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	address := "unix://" + filepath.Join(t.TempDir(), "s")
	listener, err := contract.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()

	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	return Target{AppKey: appbur.AppKey{Namespace: "team", Name: "shop"}, Address: address}
}

func rows() map[string][]contract.Row {
	row := func(format string, args ...any) contract.Row { return json.RawMessage(fmt.Sprintf(format, args...)) }
	all := map[string][]contract.Row{"users": {row(`{"id":1}`)}}
	for i := range 2000 {
		all["orders"] = append(all["orders"], row(`{"id":%d,"user":1,"text":"%0200d"}`, i, i))
	}
	return all
}

// Everything that is known of a dataset before its first byte reaches the store, and
// the returned state describes exactly what was stored.
func TestExportStreamsIntoAStore(t *testing.T) {
	target := serve(t, contracttest.NewMemory(rows()))
	s := newStore()
	state, err := Export(t.Context(), Dialer{Version: "test"}, target, s, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if state.AppKey != target.AppKey || state.App != "example.com" || state.Version != "1.2.3" || len(state.Datasets) != 2 || s.open != 0 {
		t.Fatalf("%+v, %d writers open", state, s.open)
	}

	for _, d := range state.Datasets {
		data := s.payloads[d.Name].Bytes()
		if d.Digest != appbur.DigestOf(data) || d.Size != int64(len(data)) || d.Rows != int64(bytes.Count(data, []byte("\n"))) || d.Rows == 0 {
			t.Errorf("%+v does not describe the %d bytes that were stored", d, len(data))
		}
		begun := s.datasets[d.Name]
		if len(begun.Key) == 0 || begun.Sensitive != (d.Name == "users") || begun.MediaType != contract.MediaType || begun.Schema == "" {
			t.Errorf("the store knew only %+v", begun)
		}
	}
}

// A failure on either side is an error, and no writer stays open.
func TestExportThatFails(t *testing.T) {
	s := newStore()
	if _, err := Export(t.Context(), Dialer{}, serve(t, breaking{contracttest.NewMemory(rows())}), s, rand.Reader); err == nil ||
		s.open != 0 || appbur.HintOf(err) == "" {
		t.Errorf("the application fails: %v, %d writers open", err, s.open)
	}
	s = newStore()
	s.fail = errors.New("no space left")
	if _, err := Export(t.Context(), Dialer{}, serve(t, contracttest.NewMemory(rows())), s, rand.Reader); !errors.Is(err, s.fail) ||
		s.open != 0 {
		t.Errorf("the store fails: %v, %d writers open", err, s.open)
	}
}
