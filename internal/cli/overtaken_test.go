package cli

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// A remote that others have written to ends the watch, which begins anew; one that stays ahead, because its history cannot be
// joined, ends it less and less often.
func TestARemoteThatIsAheadEndsTheWatch(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	o := &overtaking{now: func() time.Time { return now }}
	state := gitsync.RemoteUpToDate
	push := o.noticing(func(context.Context) (*repository.Replication, error) {
		return &repository.Replication{Remotes: []repository.PushResult{{Remote: "web", State: state}}}, nil
	})
	ended := func() bool {
		ctx := o.watch(t.Context())
		if _, err := push(ctx); err != nil {
			t.Error(err)
		}
		if !errors.Is(context.Cause(ctx), errOvertaken) {
			return false
		}
		o.again()
		return true
	}

	for i, step := range []struct {
		after time.Duration
		state gitsync.RemoteState
		want  bool
	}{
		{0, gitsync.RemoteUpToDate, false},
		{0, gitsync.RemoteUnreachable, false},
		{0, gitsync.RemoteAhead, true},
		{time.Second, gitsync.RemoteAhead, false},
		{5 * time.Second, gitsync.RemoteDiverged, true},
		{6 * time.Second, gitsync.RemoteDiverged, false},
		{10 * time.Second, gitsync.RemoteDiverged, true},
		{15 * time.Second, gitsync.RemoteDiverged, false},
		{3 * time.Hour, gitsync.RemoteAhead, true},
		{5 * time.Second, gitsync.RemoteAhead, true},
	} {
		now, state = now.Add(step.after), step.state
		if got := ended(); got != step.want {
			t.Errorf("step %d: %s after %s ends the watch: %t", i, step.state, step.after, got)
		}
	}
}
