package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
)

// keeper is a maintainer that takes its time, and remembers how each one ended.
type keeper struct {
	takes time.Duration
	began []time.Time
	ended []error
}

func (k *keeper) Maintain(ctx context.Context, _ gitsync.MaintainOptions) (gitsync.MaintainReport, error) {
	k.began = append(k.began, time.Now())
	var err error
	select {
	case <-time.After(k.takes):
		err = errors.New("the disk is full")
	case <-ctx.Done():
		err = ctx.Err()
	}
	k.ended = append(k.ended, err)
	return gitsync.MaintainReport{}, err
}

func TestMaintenanceRunsBesideCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{began: time.Now()}
		k := &keeper{takes: 24 * time.Second} // never at the moment of a commit
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()

		err := Run(ctx, script(func(ctx context.Context, h exporter.Handler) error {
			for { // a commit each five seconds
				if err := put(h); err != nil {
					return err
				}
				select {
				case <-time.After(5 * time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}), n, Options{
			Quiet: 2 * time.Second, Limit: 15 * time.Second, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Maintainer: k, MaintainAfter: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(n.commits) < 19 {
			t.Errorf("%d commits: maintenance held them up, or its failure did", len(n.commits))
		}

		// Every third commit would be each 15 s, but each takes 24: one at a time.
		if len(k.began) != 4 {
			t.Errorf("%d maintenances began: %v", len(k.began), k.began)
		}
		if len(k.ended) != len(k.began) || !errors.Is(k.ended[len(k.ended)-1], context.DeadlineExceeded) {
			t.Errorf("the last one ended with %v, want it cancelled before Run returns", k.ended)
		}
	})
}
