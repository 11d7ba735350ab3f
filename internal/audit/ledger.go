package audit

import (
	"slices"
	"sync"
	"time"
)

// Limits bound what a ledger remembers. The zero value is good.
type Limits struct {
	// Facts and Changes are how many are kept; 0 means 20,000 and 10,000.
	Facts, Changes int
	// Keep is how long since they came in; 0 means an hour.
	Keep time.Duration
}

// Ledger holds facts for a bounded time and number, and answers who made a change. It is safe for concurrent use.
type Ledger struct {
	limits Limits
	now    func() time.Time

	// telling is held while late answers are told, so that none is told after a reset.
	telling sync.RWMutex

	mu    sync.Mutex // guards what follows
	facts shelf[Fact]
	// since is when all was forgotten. What is of the time before is about another store.
	since time.Time
	// asked are the changes that were asked for, open those of them without an answer.
	asked shelf[Change]
	open  map[string]Change
	// recalled are changes that another process asked for. They are open until there is an answer, and say nothing of others.
	recalled shelf[Change]
	late     func(Change, []Fact)
	// counts are of all time, pulse is of the source.
	counts Counts
	pulse  pulse
}

// NewLedger returns an empty ledger.
func NewLedger(limits Limits, now func() time.Time) *Ledger {
	if limits.Facts <= 0 {
		limits.Facts = 20_000
	}
	if limits.Changes <= 0 {
		limits.Changes = 10_000
	}
	if limits.Keep <= 0 {
		limits.Keep = time.Hour
	}
	l := &Ledger{limits: limits, now: now}
	l.clear()
	return l
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
	l.telling.RLock()
	defer l.telling.RUnlock()
	now := l.now()
	l.mu.Lock()
	touched := map[string]bool{}
	for _, f := range facts {
		if f.Received.Before(l.since) || !l.facts.add(f.key(), f, now, f.UID, nameOf(f.Group, f.Resource, f.Namespace, f.Name)) {
			continue
		}
		added++
		touched[f.UID], touched[nameOf(f.Group, f.Resource, f.Namespace, f.Name)] = true, true
	}

	l.forget(now)

	answers := l.answer(touched)
	late := l.late
	l.mu.Unlock()
	tell(late, answers)
	return added
}

// answer is an answer that came late.
type answer struct {
	change Change
	facts  []Fact
}

// answer answers the open changes that have one of some labels, as far as that can be done now.
func (l *Ledger) answer(touched map[string]bool) (answers []answer) {
	for label := range touched {
		for _, asked := range slices.Concat(l.asked.find(label), l.recalled.find(label)) {
			change, open := l.open[asked.key()]
			if !open {
				continue
			}
			if facts, proven := l.judge(change); proven {
				delete(l.open, change.key())
				answers = append(answers, answer{change, facts})
				if change.recalled {
					l.counts.Asked++
				}
			}
		}
	}
	l.counts.Late += len(answers)
	return answers
}

func tell(late func(Change, []Fact), answers []answer) {
	if late == nil {
		return
	}
	for _, a := range answers {
		late(a.change, a.facts)
	}
}

// Who answers who made a change: the facts that prove it, in the order of time, or false and no facts. A change without an
// answer is kept for facts that come later.
func (l *Ledger) Who(c Change) (facts []Fact, proven bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.asked.add(c.key(), c, now, c.UID, c.name())
	if first {
		l.counts.Asked++
	}
	l.forget(now)
	if facts, proven = l.judge(c); proven {
		if first {
			l.counts.AtOnce++
		} else if _, open := l.open[c.key()]; open {
			l.counts.Late++
		}
		delete(l.open, c.key())
		return facts, true
	}

	if l.open[c.key()] = c; c.Event != Listed {
		l.pulse.missed(now)
	}
	return nil, false
}

// Counts are what a ledger has done so far and has now.
type Counts struct {
	// Asked are the changes that were asked for, each once. AtOnce were answered when they were asked for first, Late
	// after that; the others were not.
	Asked, AtOnce, Late int
	// Facts are kept, and Open changes wait for one.
	Facts, Open int
}

// Counts returns what the ledger has done so far and has now.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.counts
	counts.Facts, counts.Open = len(l.facts.items), len(l.open)
	return counts
}

// Alive is called for each event of the source, also one that proves nothing.
func (l *Ledger) Alive() {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pulse.beat(now)
}

// Silent reports whether the source, which was alive, has brought nothing although the cluster changes, and since when.
func (l *Ledger) Silent() (since time.Time, silent bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pulse.silent(now)
}

// Reset forgets everything, and is deaf to what is from before, whenever it comes. Facts are about one store of one cluster:
// one that was restored from a snapshot uses the same versions again, for other writes.
func (l *Ledger) Reset() {
	l.telling.Lock()
	defer l.telling.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = l.now()
	l.clear()
}

func (l *Ledger) clear() {
	l.facts, l.asked, l.recalled, l.open = newShelf[Fact](), newShelf[Change](), newShelf[Change](), map[string]Change{}
}

// forget drops what is too old or too much.
func (l *Ledger) forget(now time.Time) {
	before := now.Add(-l.limits.Keep)
	l.facts.forget(before, l.limits.Facts)
	for _, c := range slices.Concat(l.asked.forget(before, l.limits.Changes), l.recalled.forget(before, l.limits.Changes)) {
		delete(l.open, c.key())
	}
}
