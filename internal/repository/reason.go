package repository

import "errors"

// Reason says what is in the way, so that the command line can say which flag or command is
// the way out. This package knows neither.
type Reason string

// The reasons of errors that a user can do something about.
const (
	ReasonForeign         Reason = "foreign"         // a Git repository that appbur has not made
	ReasonBadConfig       Reason = "badConfig"       // appbur.yaml cannot be used
	ReasonBadApplications Reason = "badApplications" // its list of applications cannot
	ReasonNoSettings      Reason = "noSettings"      // a path into it leads through a value
	ReasonBadID           Reason = "badID"           // its repository id is none
	ReasonPolicy          Reason = "policy"          // nobody trusted has agreed to it

	ReasonUnbound    Reason = "unbound"    // nobody has said which keys belong to the copy in Dir
	ReasonBadBinding Reason = "badBinding" // what was said cannot be read
	ReasonRebound    Reason = "rebound"    // the copy in Dir says that it is another repository
	ReasonOtherKeys  Reason = "otherKeys"  // the keys belong to another repository

	ReasonUnknownPoint    Reason = "unknownPoint"    // Dir holds no such restore point
	ReasonNoPoint         Reason = "noPoint"         // it holds none at all
	ReasonNoGoodPoint     Reason = "noGoodPoint"     // it holds none that counts
	ReasonUnreadablePoint Reason = "unreadablePoint" // Point cannot be read
	ReasonUntrustedPoint  Reason = "untrustedPoint"  // nobody trusted has signed it
	ReasonLastGood        Reason = "lastGood"        // a deletion would leave no good state
	ReasonNobodyTrusted   Reason = "nobodyTrusted"   // so no deletion can be decided
	ReasonTakenAway       Reason = "takenAway"       // points that were seen are missing

	ReasonRewritten       Reason = "rewritten"       // main does not lead back to what was seen
	ReasonEmptied         Reason = "emptied"         // no remote has the history that was seen
	ReasonUntrustedCommit Reason = "untrustedCommit" // nobody trusted has made a commit of main
	ReasonNotJoined       Reason = "notJoined"       // a remote has another history
	ReasonOtherRemote     Reason = "otherRemote"     // a remote holds another repository
	ReasonUntrustedAnchor Reason = "untrustedAnchor" // nobody trusted has signed the anchor
	ReasonNoAnchor        Reason = "noAnchor"        // there is none that can be read

	ReasonOtherCluster  Reason = "otherCluster"  // the history is of another cluster
	ReasonCollapse      Reason = "collapse"      // too much of what is saved would go
	ReasonSealedDataset Reason = "sealedDataset" // a payload needs an identity that decrypts it
	ReasonSealedFile    Reason = "sealedFile"    // a manifest does
)

// Error is an error with its [Reason]. The message is that of Err.
type Error struct {
	Reason Reason
	// Dir is the repository, and Point the restore point, where the reason is about one.
	Dir, Point string
	Err        error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf is the outermost reason in the chain of an error, "" if there is none.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// because gives an error its reason.
func because(reason Reason, err error) error { return &Error{Reason: reason, Err: err} }
