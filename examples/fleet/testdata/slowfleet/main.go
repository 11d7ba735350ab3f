// Command slowfleet is fleet-v2 whose snapshots take as long as the file $SLOW_FILE
// says, so that a test can see that exports stay alive meanwhile.
package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/appbur/appbur/examples/fleet/program"
	"github.com/appbur/appbur/examples/fleet/v2"
	"github.com/appbur/appbur/pkg/contract"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	version := program.Version{Name: "slowfleet", App: v2.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		fleet, err := v2.Open(ctx, file, time.Now)
		return slowFleet{fleet}, err
	}}
	code := program.Main(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type slowFleet struct{ *v2.Fleet }

func (f slowFleet) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	inner, err := f.Fleet.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(os.Getenv("SLOW_FILE"))
	if errors.Is(err, fs.ErrNotExist) {
		return inner, nil
	}
	var wait time.Duration
	if err == nil {
		wait, err = time.ParseDuration(string(text))
	}
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return &slowSnapshot{inner, wait}, nil
}

// slowSnapshot waits once, before its first row.
type slowSnapshot struct {
	contract.Snapshot
	wait time.Duration
}

func (s *slowSnapshot) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		select {
		case <-time.After(s.wait):
			s.wait = 0
		case <-ctx.Done():
			yield(nil, ctx.Err())
			return
		}
		s.Snapshot.Rows(ctx, dataset)(yield)
	}
}
