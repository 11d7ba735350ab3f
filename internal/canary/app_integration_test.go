//go:build integration

package canary

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/appbur/appbur/pkg/contract"
)

// sensitiveApp has one dataset that is sensitive. Its own errors quote values, as
// those of database drivers do.
type sensitiveApp struct {
	address, value string
	broken         atomic.Bool
}

func (a *sensitiveApp) Snapshot(context.Context) (contract.Snapshot, error) { return a, nil }
func (a *sensitiveApp) Close() error                                        { return nil }

func (a *sensitiveApp) Rows(context.Context, string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for i := range 100 {
			if a.broken.Load() && i == 50 {
				yield(nil, a.quote())
				return
			}
			if !yield(contract.Row(fmt.Sprintf(`{"id":%d,"password":%q}`, i, a.value)), nil) {
				return
			}
		}
	}
}

func (a *sensitiveApp) quote() error { return errors.New("duplicate key value: (" + a.value + ")") }

func (a *sensitiveApp) Begin(context.Context) (contract.Transaction, error) { return a, nil }
func (a *sensitiveApp) Replace(_ context.Context, _ string, rows iter.Seq2[contract.Row, error]) error {
	for range rows {
		return a.quote()
	}
	return nil
}
func (a *sensitiveApp) Commit(context.Context) error   { return a.quote() }
func (a *sensitiveApp) Rollback(context.Context) error { return nil }

// serveSensitive serves the app until the test ends.
func serveSensitive(w *world) *sensitiveApp {
	w.Helper()
	socket := filepath.Join(w.dir, "app.sock")
	a := &sensitiveApp{address: "unix://" + socket, value: w.hide("row of a sensitive dataset")}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- contract.ListenAndServe(ctx, a.address, a, contract.Options{
			ID: "vault", Version: "1.0.0", SpoolDir: w.TempDir(),
			Datasets: []contract.Dataset{{Name: "logins", Schema: "1.0", Key: []string{"id"}, Sensitive: true}},
		})
	}()
	w.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			w.Error(err)
		}
	})
	w.eventually("the app listens", func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return a
}
