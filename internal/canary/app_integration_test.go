//go:build integration

package canary

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	address, login, value string
	broken, changed       atomic.Bool
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
			if !yield(a.row(i), nil) {
				return
			}
		}
	}
}

// row is in canonical form: its bytes are those of the payload.
func (a *sensitiveApp) row(i int) contract.Row {
	value := a.value
	if a.changed.Load() {
		value += "!"
	}
	return contract.Row(fmt.Sprintf(`{"login":"%s-%03d","password":%q}`, a.login, i, value))
}

// digest is that of the payload.
func (a *sensitiveApp) digest() []byte {
	hash := sha256.New()
	for i := range 100 {
		hash.Write(append(a.row(i), '\n'))
	}
	return hash.Sum(nil)
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

	a := &sensitiveApp{address: "unix://" + socket, login: w.hide("key of a sensitive dataset"), value: w.hide("row of a sensitive dataset")}
	for _, changed := range []bool{true, false} {
		a.changed.Store(changed)
		digest := a.digest()
		for form, text := range map[string]string{
			"the digest": hex.EncodeToString(digest), "the short digest": hex.EncodeToString(digest[:6]),
			"the bytes of the digest": string(digest),
		} {
			w.secret[fmt.Sprintf("%s of the whole (changed is %v)", form, changed)] = text
		}
	}

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- contract.ListenAndServe(ctx, a.address, a, contract.Options{
			ID: "vault", Version: "1.0.0", SpoolDir: w.TempDir(),
			Datasets: []contract.Dataset{{Name: "logins", Schema: "1.0", Key: []string{"login"}}},
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
