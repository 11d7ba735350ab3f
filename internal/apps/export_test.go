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
	"path/filepath"
	"strings"
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

// serve runs a shop until the test ends.
func serve(t *testing.T, app contract.App) Target {
	t.Helper()
	address := serveAt(t, "unix://"+filepath.Join(t.TempDir(), "s"), app, contract.Options{
		Version: "1.2.3",
		Datasets: []contract.Dataset{
			{Name: "users", Schema: "1.0", Key: []string{"id"}},
			{Name: "orders", Schema: "2.1", Key: []string{"user", "id"}, Clear: true, DependsOn: []string{"users"}},
		},
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

// Where datasets are named only they are saved, and what they depend on.
func TestExportOfSomeDatasets(t *testing.T) {
	target := serve(t, contracttest.NewMemory(rows()))
	for named, want := range map[string]string{"users": "[users]", "orders": "[users orders]", "": "[users orders]"} {
		target.Datasets = strings.Fields(named)
		state, err := Export(t.Context(), Dialer{}, target, newStore(), rand.Reader)
		var names []string
		for _, d := range state.Datasets {
			names = append(names, d.Name)
		}
		if err != nil || fmt.Sprint(names) != want {
			t.Errorf("of %q %v are saved: %v", named, names, err)
		}
	}
	target.Datasets = []string{"bills"}
	if _, err := Export(t.Context(), Dialer{}, target, newStore(), rand.Reader); err == nil || !strings.Contains(err.Error(), "bills") ||
		appbur.HintOf(err) == "" {
		t.Errorf("a dataset that there is not: %v, %q", err, appbur.HintOf(err))
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
