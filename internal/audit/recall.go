package audit

import "slices"

// Unproven reports whether a change that was asked for in vain may be proven by facts that are still to come, also to another
// process. That one needs to know kept: its Managers are only the entries that the version before did not have.
//
// A change of which facts are known already that prove nothing is not kept: with some of them forgotten, the others could
// look like proof.
func (l *Ledger) Unproven(c Change) (kept Change, waits bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.UID == "" {
		return Change{}, false
	}
	if _, proven := l.judge(c); proven {
		return Change{}, false
	}
	if slices.ContainsFunc(l.facts.find(c.UID), func(f Fact) bool {
		return f.UID == c.UID && (f.ResourceVersion == c.ResourceVersion || c.Event == Deleted && (f.Gone || f.Marks))
	}) {
		return Change{}, false
	}
	kept = c
	kept.Managers = l.newManagers(c)
	return kept, true
}

// Recall has facts that come from now on, and those that have come, answer changes that another process kept.
func (l *Ledger) Recall(changes ...Change) {
	l.telling.RLock()
	defer l.telling.RUnlock()
	now := l.now()
	l.mu.Lock()
	touched := map[string]bool{}
	for _, c := range changes {
		c.recalled = true
		if l.recalled.add(c.key(), c, now, c.UID) {
			l.open[c.key()] = c
			touched[c.UID] = true
		}
	}
	l.forget(now)
	answers := l.answer(touched)
	late := l.late
	l.mu.Unlock()
	tell(late, answers)
}

// rewrote finds who wrote the version of a change that was recalled. Only the entries that the version before did not have
// are known of it, and not who else was near.
func (l *Ledger) rewrote(c Change) (facts []Fact, proven bool) {
	var certain []Fact
	for _, f := range l.claims(c) {
		if f.Certain {
			certain = append(certain, f)
		}
		if f.Certain || c.shows(f) {
			facts = append(facts, f)
		}
	}
	if len(certain) > 0 {
		facts = certain
	}
	return facts, len(facts) > 0 && sameActor(facts)
}

// mayBeOf reports whether a request can have led to a change that was recalled. A store that has gone back in time gives out
// the same versions again, for requests that come after they were seen first.
func (c Change) mayBeOf(f Fact) bool { return !f.Received.After(c.Seen.Add(near)) }
