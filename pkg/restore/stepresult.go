package restore

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/appbur/appbur"
)

// stepResult is what became of one step.
type stepResult struct {
	step     *Step
	result   Result // empty for barriers and waits that ended well
	identity Identity
	requests int
	// managed are the managers of an object that the step created, if the next step of the
	// object gives their fields back.
	managed []json.RawMessage
	// unchecked is true when a dry run could not be sent.
	unchecked bool
	// asSaved is true when the object is left in the form in which it was saved.
	asSaved bool
	err     error
	hint    string
	note    string
	cause   *appbur.ObjectID
	// replaced is true when the object was deleted and created again.
	replaced bool
	// notReady are the objects that a phase waited for in vain, waited is for how long it waited, and
	// ended when it ended.
	notReady []NotReady
	waited   time.Duration
	ended    time.Time
	// interrupted is true when the context ended before the step did.
	interrupted bool
}

func (a *stepResult) reason() string {
	if a.err != nil {
		return a.err.Error()
	}
	return a.note
}

// severity orders results: of several steps about one object the worst counts.
var severity = []Result{"", Unchanged, Configured, Created, Deleted, Skipped, Failed}

// join adds the result of one more step to the outcome of its object. hint is the next
// step after an error.
func (o *Outcome) join(a *stepResult, hint func(error) string) {
	if slices.Index(severity, a.result) > slices.Index(severity, o.Result) {
		o.Result = a.result
	}
	if a.result == Created && !a.unchecked {
		o.UID = a.identity.UID
	}
	if a.requests > 1 {
		o.Attempts += a.requests
	}
	o.Unchecked = o.Unchecked || a.unchecked
	switch {
	case a.err != nil:
		if o.Reason == "" {
			o.Reason, o.Hint, o.Cause = a.err.Error(), hint(a.err), a.cause
		}
	case a.result == Skipped:
		o.Reason, o.Hint = a.note, a.hint
	case a.note != "":
		o.Notes = append(o.Notes, a.note)
	}
}

// learned is what steps before this one learned.
type learned struct {
	self    *Identity // of the object, when an earlier step applied it
	created bool      // whether that step created it
	managed []json.RawMessage
	owners  map[appbur.ObjectID]Identity
	// end is what a phase waits for at its end.
	end phaseEnd
}
