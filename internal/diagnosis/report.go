package diagnosis

import (
	"time"

	"github.com/appbur/appbur"
)

// State is how something is.
type State string

// The states, from good to bad.
const (
	OK State = "ok"
	// Warning is what should be looked at, and does not cost a backup now.
	Warning State = "warning"
	// Failing is a backup that is missing, or will be.
	Failing State = "failing"
)

var severity = map[State]int{OK: 0, Warning: 1, Failing: 2}

// Reason is why something is not [OK]. The values are stable (docs/json.md).
type Reason string

// The reasons there are.
const (
	NoPoint             Reason = "noPoint"
	PointTooOld         Reason = "pointTooOld"
	PointOfTheFuture    Reason = "pointOfTheFuture"
	PointIncomplete     Reason = "pointIncomplete"
	NotReplicated       Reason = "notReplicated"
	NoRemotes           Reason = "noRemotes"
	ScheduleLate        Reason = "scheduleLate"
	ScheduleQuiet       Reason = "scheduleQuiet"
	ScheduleNever       Reason = "scheduleNever"
	CommitsWait         Reason = "commitsWait"
	RemoteBehind        Reason = "remoteBehind"
	RemoteFails         Reason = "remoteFails"
	PointsRejected      Reason = "pointsRejected"
	SignaturesUnchecked Reason = "signaturesUnchecked"
	KindsUnreadable     Reason = "kindsUnreadable"
	KeyExposed          Reason = "keyExposed"
	DaemonUnreachable   Reason = "daemonUnreachable"
	DaemonStuck         Reason = "daemonStuck"
	DaemonNotReady      Reason = "daemonNotReady"
	AuditSilent         Reason = "auditSilent"
	AuditNever          Reason = "auditNever"
	ClusterAway         Reason = "clusterAway"
	OtherCluster        Reason = "otherCluster"
)

// Reasons are all of them.
var Reasons = []Reason{
	NoPoint, PointTooOld, PointOfTheFuture, PointIncomplete, NotReplicated, NoRemotes, ScheduleLate, ScheduleQuiet, ScheduleNever,
	CommitsWait, RemoteBehind, RemoteFails, PointsRejected, SignaturesUnchecked, KindsUnreadable, KeyExposed,
	DaemonUnreachable, DaemonStuck, DaemonNotReady, AuditSilent, AuditNever, ClusterAway, OtherCluster,
}

// Check is one thing that was looked at.
type Check struct {
	// Name is what was looked at, Subject which of several.
	Name    string
	Subject string
	State   State
	// Says is a sentence without a full stop.
	Says   string
	Reason Reason
	// About is what the reason is about, to be put into an advice: a point, a remote, a file.
	About string
}

// Report is what became of all facts.
type Report struct {
	// State is the worst of all checks.
	State  State
	Checks []Check
	// Good is the newest complete and trusted point, nil if there is none; Confirmed is when it was last known that
	// nothing has changed since, and Holding how many remotes are known to hold it.
	Good      *appbur.RestorePoint
	Confirmed time.Time
	Holding   int
}

func (r *Report) add(c Check) {
	r.Checks = append(r.Checks, c)
	r.State = Worse(r.State, c.State)
}

// Worse is the worse of two states.
func Worse(a, b State) State {
	if severity[b] > severity[a] {
		return b
	}
	return a
}
