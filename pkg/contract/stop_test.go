package contract_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/appbur/appbur/pkg/contract"
)

// slow is an application whose import waits in the middle.
type slow struct {
	contract.App
	begun, goOn chan struct{}
}

type slowTransaction struct {
	contract.Transaction
	s *slow
}

func (s *slow) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := s.App.Begin(ctx)
	return slowTransaction{tx, s}, err
}

func (x slowTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	close(x.s.begun)
	select {
	case <-x.s.goOn:
	case <-ctx.Done():
		return ctx.Err()
	}
	return x.Transaction.Replace(ctx, dataset, rows)
}

// NET-009: a running import finishes or is rolled back within the grace, whether or
// not its caller still listens.
func TestStopWhileImporting(t *testing.T) {
	for name, test := range map[string]struct {
		grace     time.Duration
		gone      bool // the caller
		goOn      bool
		committed bool
	}{
		"it finishes":                   {grace: time.Minute, goOn: true, committed: true},
		"it finishes without a caller":  {grace: time.Minute, goOn: true, gone: true, committed: true},
		"it takes too long":             {grace: 50 * time.Millisecond},
		"too long and without a caller": {grace: 50 * time.Millisecond, gone: true},
		"no grace":                      {grace: -1},
	} {
		t.Run(name, func(t *testing.T) {
			held := memory(row(`{"id":1}`))
			app := &slow{App: held, begun: make(chan struct{}), goOn: make(chan struct{})}
			o := notes()
			o.ShutdownGrace = test.grace
			server, err := contract.NewServer(app, o)
			if err != nil {
				t.Fatal(err)
			}
			address := socketPath(t)

			l, err := contract.Listen(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
			defer stop()
			served := make(chan error, 1)
			go func() { served <- server.Serve(ctx, l) }()
			client := connect(t, address, contract.DialOptions{})
			waitReady(t, client)

			// A client watches the health, which must not delay the end.
			watch, err := grpc_health_v1.NewHealthClient(client.Connection()).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if state, err := watch.Recv(); err != nil || state.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Fatal(state, err)
			}

			lost, err := contract.Dial(t.Context(), address, contract.DialOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer lost.Close()
			calling, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			imported := make(chan error, 1)
			go func() {
				_, err := lost.Import(calling, request(t, source("notes", "1.0", "{\"id\":2}\n")))
				imported <- err
			}()
			<-app.begun

			if test.gone {
				// The connection is lost; a caller that hangs up would cancel the import.
				if err := lost.Close(); err != nil {
					t.Fatal(err)
				}
				hangUp() // it cannot report any more
				if err := <-imported; err == nil {
					t.Fatal("the caller is gone and got a result")
				}
			}

			stop()
			if state, err := watch.Recv(); test.grace > time.Second &&
				(err != nil || state.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING) {
				t.Errorf("while it stops: %v %v", state, err)
			}

			if test.goOn {
				select {
				case err := <-served:
					t.Fatalf("it ended while an import ran: %v", err)
				case <-time.After(20 * time.Millisecond):
				}
				close(app.goOn)
			}

			select {
			case err := <-served:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("it does not end")
			}

			want := `{"id":1}`
			if test.committed {
				want = `{"id":2}`
			}
			if rows := held.Rows("notes"); len(rows) != 1 || string(rows[0]) != want {
				t.Errorf("the state is %s, want %s", rows, want)
			}

			if test.gone {
				return
			}
			if !test.committed {
				hangUp() // or it would try to go on for a while
			}
			if err := <-imported; (err == nil) != test.committed {
				t.Errorf("the caller got %v", err)
			}
		})
	}
}
