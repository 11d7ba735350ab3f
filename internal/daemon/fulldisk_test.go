package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// A change for which there is no room waits, until there is or nobody wants it any more; another error is told at once.
func TestAChangeWaitsForRoom(t *testing.T) {
	other := errors.New("another one")
	for _, test := range []struct {
		name  string
		errs  []error
		ends  time.Duration // 0 is never
		want  error
		tries int
	}{
		{"there is room", []error{nil}, 0, nil, 1},
		{"there is room later", []error{gitsync.ErrNoSpace, gitsync.ErrNoSpace, nil}, 0, nil, 3},
		{"another error", []error{gitsync.ErrNoSpace, other}, 0, other, 2},
		{"it ends", []error{gitsync.ErrNoSpace, gitsync.ErrNoSpace, gitsync.ErrNoSpace, gitsync.ErrNoSpace}, time.Second, gitsync.ErrNoSpace, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan struct{})
			c := &collector{options: Options{Log: slog.New(slog.DiscardHandler), Hint: appbur.HintOf}, ended: ended}
			if test.ends > 0 {
				time.AfterFunc(test.ends, func() { close(ended) })
			}
			tries := 0
			err := c.onceThereIsRoom(func() error {
				tries++
				if test.errs[tries-1] == nil {
					return nil
				}
				return fmt.Errorf("taking it in: %w", test.errs[tries-1])
			})
			if !errors.Is(err, test.want) || tries != test.tries {
				t.Errorf("%s: %v after %d tries", test.name, err, tries)
			}
		})
	}
}
