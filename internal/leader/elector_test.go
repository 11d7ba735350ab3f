package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/internal/leader/timing"
)

// candidate is a process that takes part, and notes when it led.
type candidate struct {
	*Elector
	leases *leasesInMemory
	began  time.Time
	cancel context.CancelFunc
	ended  chan error

	mu    sync.Mutex
	terms []string
	log   strings.Builder
	// takes is how long its work takes to end.
	takes time.Duration
	fails error
}

func (c *candidate) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

// joins has a process take part in an election until the end of the test. Its work fails with the error, if there is one.
func joins(t *testing.T, server *leaseInMemory, name string, fails ...error) *candidate {
	t.Helper()
	c := &candidate{fails: errors.Join(fails...), leases: &leasesInMemory{server: server}, began: time.Now(), ended: make(chan error, 1)}
	var err error
	c.Elector, err = newElector(c.leases, Options{
		Namespace: "ns", Name: "appbur", Identity: name, Now: time.Now, Log: slog.New(slog.NewTextHandler(c, nil)),
		Timing: timing.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.cancel = cancel
	go func() { c.ended <- c.Run(ctx, c.work) }()
	t.Cleanup(func() {
		c.leases.set(answers)
		cancel()
		<-c.ended
	})
	return c
}

func (c *candidate) work(ctx context.Context) error {
	c.note("leads")
	if c.fails != nil {
		return c.fails
	}
	<-ctx.Done()
	time.Sleep(c.takes)
	c.note("ends")
	return nil
}

func (c *candidate) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.terms = append(c.terms, fmt.Sprintf("%s %s", time.Since(c.began).Round(time.Second), what))
}

// end waits until it takes no part any more.
func (c *candidate) end() error {
	err := <-c.ended
	c.ended <- err
	return err
}

// leads reports whether it is at work.
func (c *candidate) leads() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.terms)%2 == 1
}

// pass lets time go by, in which two must never lead at the same time.
func pass(t *testing.T, span time.Duration, candidates ...*candidate) {
	t.Helper()
	for range int(span / (100 * time.Millisecond)) {
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		leaders := 0
		for _, c := range candidates {
			if c.leads() {
				leaders++
			}
		}
		if leaders > 1 {
			t.Fatal("two lead at the same time")
		}
	}
}

func TestOneLeadsAndTheOtherTakesOverWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseInMemory{}
		first := joins(t, server, "first")
		pass(t, 5*time.Second, first)
		second := joins(t, server, "second")
		pass(t, time.Minute, first, second)
		if !first.leads() || second.leads() {
			t.Fatalf("first %v, second %v", first.terms, second.terms)
		}

		first.takes = 3 * time.Second // a last commit
		first.cancel()
		pass(t, 3*time.Second+5*time.Second, first, second)
		if err := first.end(); err != nil || !second.leads() {
			t.Errorf("first %v (%v), second %v", first.terms, err, second.terms)
		}
		if !strings.Contains(second.log.String(), "another process leads; this one stands by") {
			t.Errorf("the log says\n%s", second.log.String())
		}
	})
}

// A leader that does not reach the API server stops before another one can be elected, and stands by again.
func TestALeaderWithoutAnAPIServerStops(t *testing.T) {
	for name, fault := range map[string]behaviour{"refuses": refuses, "is silent": isSilent} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &leaseInMemory{}
				first := joins(t, server, "first")
				pass(t, 5*time.Second, first)
				second := joins(t, server, "second")
				pass(t, 5*time.Second, first, second)

				first.leases.set(fault)
				pass(t, 30*time.Second, first, second)
				if first.leads() || !second.leads() {
					t.Fatalf("first %v, second %v", first.terms, second.terms)
				}
				if err := first.Reaches(); err == nil {
					t.Error("a process without an API server is ready")
				}
				first.leases.set(answers)
				pass(t, 30*time.Second, first, second)
				if err := first.Reaches(); err != nil || first.leads() {
					t.Errorf("first %v (%v)", first.terms, err)
				}
				second.cancel()
				pass(t, 6*time.Second, first, second)
				if !first.leads() {
					t.Errorf("first %v, second %v", first.terms, second.terms)
				}
			})
		})
	}
}

// A leader that loses the Lease to another holder stops as soon as it sees that, however long it could go on.
func TestALeaderThatSeesAnotherHolderStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseInMemory{}
		first := joins(t, server, "first")
		pass(t, 5*time.Second, first)
		if err := first.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.hold("somebody")
		if err := first.Confirm(t.Context()); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "ns/appbur is held by somebody") {
			t.Errorf("who leads no more is told %v", err)
		}
		pass(t, time.Second, first)
		if first.leads() {
			t.Errorf("first %v", first.terms)
		}
		pass(t, 20*time.Second, first) // somebody renews nothing
		if !first.leads() {
			t.Errorf("first %v", first.terms)
		}
	})
}

// A leader that was asleep while another one led, and finds the Lease free when it wakes up, wins it again. That is another
// term: what it was about to write is of before.
func TestALeaseThatIsWonAgainIsAnotherTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseInMemory{}
		first := joins(t, server, "first")
		pass(t, 5*time.Second, first)
		server.hold("somebody") // between two looks of the first
		server.hold("")
		if err := first.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("before it is won again, it is told %v", err)
		}
		pass(t, 10*time.Second, first)
		if len(first.terms) != 3 || !first.leads() {
			t.Errorf("first %v", first.terms)
		}
	})

	synctest.Test(t, func(t *testing.T) { // won again before it is asked
		server := &leaseInMemory{}
		first := joins(t, server, "first")
		pass(t, 5*time.Second, first)
		server.hold("somebody")
		server.hold("first")
		if err := first.Confirm(t.Context()); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "was lost, and won again") {
			t.Errorf("after it was won again, it is told %v", err)
		}
		pass(t, 20*time.Second, first)
		if len(first.terms) != 3 || !first.leads() {
			t.Errorf("first %v", first.terms)
		}
	})
}

// Who asks whether it may write goes by its own clock while nobody answers.
func TestConfirmWithoutAnAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := joins(t, &leaseInMemory{}, "first")
		if err := first.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("who was never elected is told %v", err)
		}
		pass(t, time.Second, first)
		first.leases.set(isSilent)
		if err := first.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		if err := first.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("after the deadline it is told %v", err)
		}
	})
}

// Work that fails ends the election, and another process leads at once.
func TestWorkThatFailsGivesTheLeaseUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseInMemory{}
		broken := joins(t, server, "broken", errors.New("the disk is gone"))
		synctest.Wait()
		second := joins(t, server, "second")
		time.Sleep(6 * time.Second)
		if err := broken.end(); err == nil || err.Error() != "the disk is gone" {
			t.Errorf("it ended with %v", err)
		}
		if !second.leads() {
			t.Errorf("broken %v, second %v", broken.terms, second.terms)
		}
	})
}
