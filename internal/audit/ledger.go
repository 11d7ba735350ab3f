package audit

import (
	"sync"
	"time"
)

// Limits bound what a ledger remembers. The zero value is good.
type Limits struct {
	// Facts and Changes are how many are kept; 0 means 50,000 and 10,000.
	Facts, Changes int
	// Keep is how long since they came in; 0 means an hour.
	Keep time.Duration
}

// Ledger holds facts for a bounded time and number, and answers who made a change. It is safe for concurrent use.
type Ledger struct {
	limits Limits
	now    func() time.Time

	mu    sync.Mutex // guards what follows
	facts shelf[Fact]
	// asked are the changes that were asked for, open those of them without an answer.
	asked shelf[Change]
	open  map[string]Change
	late  func(Change, []Fact)
}

// NewLedger returns an empty ledger.
func NewLedger(limits Limits, now func() time.Time) *Ledger {
	if limits.Facts <= 0 {
		limits.Facts = 50_000
	}
	if limits.Changes <= 0 {
		limits.Changes = 10_000
	}
	if limits.Keep <= 0 {
		limits.Keep = time.Hour
	}
	return &Ledger{limits: limits, now: now, facts: newShelf[Fact](), asked: newShelf[Change](), open: map[string]Change{}}
}

// OnLate has a function told when a change that was asked for in vain is answered by facts that came later. It is called
// by whoever adds facts and must not wait. Only one function is told; nil is none.
func (l *Ledger) OnLate(late func(Change, []Fact)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = late
}

// Add takes facts in and returns how many of them were new.
func (l *Ledger) Add(facts ...Fact) (added int) {
	now := l.now()
	l.mu.Lock()
	touched := map[string]bool{}
	for _, f := range facts {
		if !l.facts.add(f.ID+"/"+f.UID, f, now, f.UID, nameOf(f.Group, f.Resource, f.Namespace, f.Name)) {
			continue
		}
		added++
		touched[f.UID], touched[nameOf(f.Group, f.Resource, f.Namespace, f.Name)] = true, true
	}

	l.forget(now)

	type answer struct {
		change Change
		facts  []Fact
	}
	var answers []answer
	for key, change := range l.open {
		if !touched[change.UID] && !touched[change.name()] {
			continue
		}
		if facts, proven := l.judge(change); proven {
			delete(l.open, key)
			answers = append(answers, answer{change, facts})
		}
	}
	late := l.late
	l.mu.Unlock()

	if late != nil {
		for _, a := range answers {
			late(a.change, a.facts)
		}
	}
	return added
}

// Who answers who made a change: the facts that prove it, in the order of time, or false and no facts. A change without an
// answer is kept for facts that come later.
func (l *Ledger) Who(c Change) (facts []Fact, proven bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked.add(c.key(), c, now, c.UID, c.name())
	l.forget(now)
	if facts, proven = l.judge(c); proven {
		delete(l.open, c.key())
		return facts, true
	}
	l.open[c.key()] = c
	return nil, false
}

// Counts are how many facts are kept, and how many changes wait for one.
func (l *Ledger) Counts() (facts, open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.facts.items), len(l.open)
}

// Reset forgets everything. Facts are about one store of one cluster: one that was restored from a snapshot uses the same
// versions again, for other writes.
func (l *Ledger) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts, l.asked, l.open = newShelf[Fact](), newShelf[Change](), map[string]Change{}
}

// forget drops what is too old or too much.
func (l *Ledger) forget(now time.Time) {
	before := now.Add(-l.limits.Keep)
	l.facts.forget(before, l.limits.Facts)
	for _, c := range l.asked.forget(before, l.limits.Changes) {
		delete(l.open, c.key())
	}
}
