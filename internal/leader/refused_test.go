package leader

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur/internal/leader/timing"
)

// What the account may not do with the Lease is said once, and as long as it may not: a process without the right to
// make the Lease hears well of it, and would stand by for ever.
func TestAMissingRightIsTold(t *testing.T) {
	var log strings.Builder
	e, err := newElector(&leasesInMemory{server: &leaseInMemory{}}, Options{
		Namespace: "ns", Name: "appbur", Identity: "a", Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Timing: timing.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}

	refusal := apierrors.NewForbidden(coordination.Resource("leases"), "appbur", errors.New("no"))
	for range 3 {
		e.mind("read", apierrors.NewNotFound(coordination.Resource("leases"), "appbur"))
		e.mind("created", refusal)
	}
	if err := e.Reaches(); !errors.Is(err, refusal) || !strings.Contains(err.Error(), "the Lease ns/appbur may not be created") {
		t.Errorf("it reaches the Lease: %v", err)
	}
	if n := strings.Count(log.String(), "this process cannot lead: the Lease may not be created"); n != 1 {
		t.Errorf("it is said %d times", n)
	}

	e.mind("created", nil)
	if err := e.Reaches(); err != nil {
		t.Errorf("with the right: %v", err)
	}
}
