package pointrequest

import (
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
)

// grace is how long a Lease may show no renewal beyond its own duration, and how long one without a holder waits for one.
const grace = 10 * time.Second

// pulse tells whether a Lease is renewed: by its changes, because clocks differ.
type pulse struct {
	beat string
	at   time.Time
}

func newPulse(lease *coordination.Lease, now time.Time) *pulse { return &pulse{beat(lease), now} }

// beat is different after each renewal.
func beat(lease *coordination.Lease) string {
	renewed := ""
	if lease.Spec.RenewTime != nil {
		renewed = lease.Spec.RenewTime.UTC().Format(time.RFC3339Nano)
	}
	return holder(lease) + " " + renewed
}

// reset begins to wait anew.
func (p *pulse) reset(now time.Time) { p.at = now }

// stopped returns [ErrNobodyLeads] if the Lease was not renewed for longer than it lasts.
func (p *pulse) stopped(lease *coordination.Lease, now time.Time) error {
	if b := beat(lease); b != p.beat {
		p.beat, p.at = b, now
	}
	patience := grace
	if d := lease.Spec.LeaseDurationSeconds; d != nil {
		patience += time.Duration(*d) * time.Second
	}
	silent := now.Sub(p.at)
	switch {
	case silent < patience:
		return nil
	case holder(lease) == "":
		return fmt.Errorf("%w: the Lease has no holder", ErrNobodyLeads)
	default:
		return fmt.Errorf("%w: %s has not renewed the Lease for %s", ErrNobodyLeads, holder(lease), silent.Round(time.Second))
	}
}

func holder(lease *coordination.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}
