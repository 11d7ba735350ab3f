package gitsync

// TransferPhase says what is being done with a pack. The set is closed.
type TransferPhase string

// The phases of a transfer, in git's own words.
const (
	Sending         TransferPhase = "sending"
	Receiving       TransferPhase = "receiving"
	ResolvingDeltas TransferPhase = "resolving deltas"
)

// Transfer is how far a pack has come.
type Transfer struct {
	// Remote is the name of the remote.
	Remote string
	Phase  TransferPhase
	// Objects of Total are done in this phase. Total is 0 as long as nobody knows.
	Objects, Total int
	// Bytes of the pack were sent or received.
	Bytes int64
}
