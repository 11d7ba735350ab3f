package audit

import (
	"errors"
	"sync"
	"time"
)

// Intake takes events from where they come from, reads them, and counts. It is safe for concurrent use.
type Intake struct {
	ledger *Ledger
	now    func() time.Time

	mu      sync.Mutex // guards what follows
	taken   Taken
	reasons map[string]int
}

// Taken is what an intake has taken so far.
type Taken struct {
	// Events are all that came, also again. Facts are those that they proved, each once.
	Events, Facts int
	// Lost are the connections over which events came whose other side vanished without a word.
	Lost int
	// Last is when the last event came, zero before the first.
	Last time.Time
	// Unusable are the events that could not be used, by reason.
	Unusable map[string]int
}

// Reasons why an event cannot be used.
const (
	ReasonDamaged   = "damaged"
	ReasonTruncated = "truncated"
	ReasonLongName  = "long_name"
	// ReasonTooLarge is for events that are not read at all.
	ReasonTooLarge = "too_large"
)

// Reasons are all of them.
var Reasons = []string{ReasonDamaged, ReasonTruncated, ReasonLongName, ReasonTooLarge}

// NewIntake returns an intake that brings facts to a ledger.
func NewIntake(ledger *Ledger, now func() time.Time) *Intake {
	return &Intake{ledger: ledger, now: now, reasons: map[string]int{}}
}

// Take reads one event. What cannot be read is counted, and costs no other event anything.
func (i *Intake) Take(event []byte) {
	facts, err := Parse(event)
	if err != nil {
		i.Refuse(reasonOf(err))
	}
	if !errors.Is(err, ErrDamaged) {
		i.ledger.Alive()
	}
	added := i.ledger.Add(facts...)

	now := i.now()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.taken.Events++
	i.taken.Facts += added
	i.taken.Last = now
}

// Refuse counts an event that cannot be used.
func (i *Intake) Refuse(reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reasons[reason]++
}

// Lose counts a sender that vanished without a word.
func (i *Intake) Lose() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.taken.Lost++
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, ErrTruncated):
		return ReasonTruncated
	case errors.Is(err, ErrLongName):
		return ReasonLongName
	default:
		return ReasonDamaged
	}
}

// Taken returns what was taken so far.
func (i *Intake) Taken() Taken {
	i.mu.Lock()
	defer i.mu.Unlock()
	taken := i.taken
	taken.Unusable = map[string]int{}
	for _, reason := range Reasons {
		taken.Unusable[reason] = i.reasons[reason]
	}
	return taken
}
