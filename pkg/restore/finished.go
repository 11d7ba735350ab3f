package restore

import "slices"

// finished are the results of a run by the ids of their steps. Of nearly all steps of a large
// restore nothing is to be said but how they ended, and of those nothing else is kept.
type finished []finishedStep

// finishedStep is the zero value for a step that is not finished.
type finishedStep struct {
	// full is the result of a step that has more to say, or that steps which are not finished ask for
	// the identity of its object.
	full *stepResult
	// uid is that of an object that was created.
	uid string
	// ended is the place of the result in [severity], plus one.
	ended uint8
}

// of returns the result of a step, nil while it is not finished.
func (f finished) of(step *Step) *stepResult {
	kept := f[step.ID]
	switch {
	case kept.full != nil:
		return kept.full
	case kept.ended == 0:
		return nil
	}
	return &stepResult{step: step, result: severity[kept.ended-1], identity: Identity{UID: kept.uid}}
}

// put keeps a result. Asked says that other steps will ask for it.
func (f finished) put(a *stepResult, asked bool) {
	f[a.step.ID] = finishedStep{full: a}
	if !asked {
		f.reduce(a.step.ID)
	}
}

// reduce forgets what nobody asks for any more of the result of a step.
func (f finished) reduce(id int) {
	a := f[id].full
	if a == nil || a.saysMore() {
		return
	}
	f[id] = finishedStep{ended: uint8(slices.Index(severity, a.result) + 1)} //nolint:gosec // there are few
	if a.result == Created {
		f[id].uid = a.identity.UID
	}
}

// saysMore reports whether there is more to say of the step than how it ended.
func (a *stepResult) saysMore() bool {
	return a.step.Action == ActionReady || a.err != nil || a.hint != "" || a.note != "" || a.cause != nil || a.requests > 1 ||
		a.unchecked || a.asSaved || a.replaced || a.interrupted ||
		len(a.notReady) > 0 || a.waited != 0 || !a.ended.IsZero()
}

// asksForIdentities reports whether a step of the action uses what those before it learned of their objects.
func (a Action) asksForIdentities() bool { return a != ActionBarrier && a != ActionReady }
