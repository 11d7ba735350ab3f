package restore

import "github.com/appbur/appbur"

// Reporter gets the progress of a restore or a verification. Calls come one at a time; a
// slow reporter slows the work down. It must not call back.
type Reporter interface {
	Progress(e Event)
}

// EventKind says what happened. The set is closed.
type EventKind string

// The kinds of events.
const (
	// EventFinished ends a step.
	EventFinished EventKind = "finished"
	// EventWaiting says that a request will be repeated, and why.
	EventWaiting EventKind = "waiting"
)

// Event is one piece of progress.
type Event struct {
	Kind EventKind `json:"kind"`
	// Done and Total count steps without barriers, in a verification the objects that are
	// compared.
	Done   int             `json:"done"`
	Total  int             `json:"total"`
	Step   int             `json:"step"`
	Action Action          `json:"action"`
	Object appbur.ObjectID `json:"object"`
	// Result is that of the step; empty while waiting.
	Result Result `json:"result,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Retry is the name of what makes a request worth another try while waiting, such as
	// throttled or network. It holds nothing of what the server said.
	Retry string `json:"retry,omitempty"`
}

// silent is the reporter of those who pass none.
type silent struct{}

// Progress implements [Reporter].
func (silent) Progress(Event) {}
