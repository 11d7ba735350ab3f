package transport

// Phase says what is being done with a pack. The set is closed.
type Phase string

// The phases of a transfer, in git's own words.
const (
	Sending         Phase = "sending"
	Receiving       Phase = "receiving"
	ResolvingDeltas Phase = "resolving deltas"
)

// Transfer is how far a pack has come.
type Transfer struct {
	// Remote is the name of the remote.
	Remote string
	Phase  Phase
	// Objects of Total are done in this phase. Total is 0 as long as it is unknown.
	Objects, Total int
	// Bytes of the pack were sent or received.
	Bytes int64
}
