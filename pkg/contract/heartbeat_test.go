package contract

import (
	"context"
	"iter"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// sleeper opens its snapshot only on request.
type sleeper struct{ wake chan struct{} }

func (a *sleeper) Snapshot(context.Context) (Snapshot, error) { return a, nil }
func (a *sleeper) Begin(context.Context) (Transaction, error) { return a, nil }
func (a *sleeper) Close() error                               { return nil }
func (a *sleeper) Commit(context.Context) error               { return nil }
func (a *sleeper) Rollback(context.Context) error             { return nil }
func (a *sleeper) Rows(context.Context, string) iter.Seq2[Row, error] {
	return func(func(Row, error) bool) { <-a.wake }
}

func (a *sleeper) Replace(_ context.Context, _ string, rows iter.Seq2[Row, error]) error {
	<-a.wake
	for _, err := range rows {
		if err != nil {
			return err
		}
	}
	return nil
}

// recorded is a stream that keeps what was sent.
type recorded struct {
	exportStream
	ctx  context.Context
	sent chan *contractpb.ExportResponse
}

func (s *recorded) Context() context.Context                { return s.ctx }
func (s *recorded) Send(m *contractpb.ExportResponse) error { s.sent <- m; return nil }
func (*recorded) SetTrailer(metadata.MD)                    {}

func TestSilentStreamsBeat(t *testing.T) {
	app := &sleeper{wake: make(chan struct{})}
	s, err := newService(app,
		Options{ID: "notes", Version: "1", Datasets: []Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}}}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	s.options.Heartbeat = time.Millisecond
	stream := &recorded{ctx: t.Context(), sent: make(chan *contractpb.ExportResponse, 10000)}
	done := make(chan error, 1)
	go func() { done <- s.Export(&contractpb.ExportRequest{OperationId: "one"}, stream) }()
	if m := <-stream.sent; m.GetHeader() == nil {
		t.Fatalf("the first message is %v", m)
	}

	for range 3 {
		if p := (<-stream.sent).GetProgress(); p.GetPhase() != contractpb.Phase_PHASE_EXPORTING || p.GetDataset() != "notes" {
			t.Errorf("got %v, want a sign of life", p)
		}
	}

	close(app.wake)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.exports.close()
}

func TestReasonsCoverTheProtocol(t *testing.T) {
	known := map[string]bool{}
	for _, r := range Reasons() {
		known["REASON_"+string(r)] = true
		if meanings[r].hint == "" {
			t.Errorf("%s has no hint", r)
		}
	}
	for name := range contractpb.Reason_value {
		if name != "REASON_UNSPECIFIED" && !known[name] {
			t.Errorf("%s of the protocol is no Reason", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("%s is not in the protocol", name)
	}
}
