package diagnosis

import (
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/schedule"
)

// Facts are what was found.
type Facts struct {
	Now time.Time
	// Grace is how late anything may be: a point takes its time, and a push does.
	Grace time.Duration
	// GreatestAge is how old the last good point may be, 0 for what the schedules say.
	GreatestAge time.Duration
	// Schedules are when points are due, nil if that is not known.
	Schedules []*schedule.Schedule

	Points  Points
	Main    Main
	Remotes []Remote
	// Required is how many remotes must hold a point.
	Required int
	// Exposed are key files that others can read.
	Exposed []string

	Daemon  *Daemon
	Cluster *Cluster
}

// Points are the restore points of the repository.
type Points struct {
	// All are those that count, newest first.
	All []appbur.RestorePoint
	// Rejected are those that cannot be read or are not trusted.
	Rejected []appbur.RestorePointID
	// Unchecked says that nobody is trusted yet, so that every point counts.
	Unchecked bool
	// Excluded counts the objects that rules leave out of the newest one, -1 if that is not known.
	Excluded int
}

// Main is the branch of what the cluster is.
type Main struct {
	Commit    string
	Committed time.Time
}

// Remote is where a copy is.
type Remote struct {
	Name string
	// Behind is true if it can be reached and lacks something; Points is how many restore points.
	Behind          bool
	Commits, Points int
	// Err is why it cannot be compared, "" if it can.
	Err string
	// LastPush is when it last held everything, zero if that was never.
	LastPush time.Time
}

// Daemon is what a daemon says of itself.
type Daemon struct {
	Address string
	// Err is why it does not answer, "" if it does. Nothing else is known then.
	Err string
	// Stuck and NotReady are the checks of /livez and /readyz that fail.
	Stuck, NotReady []string
	Leader          bool
	// Confirmed is when it last knew that nothing had changed since its newest good point.
	Confirmed time.Time
	// Waiting are changes that are not committed, WaitingFor how long the first of them.
	Waiting    int
	WaitingFor time.Duration
	// APIServerAway is an outage that it has noticed.
	APIServerAway bool
	// Unreadable are the kinds that it cannot read.
	Unreadable []string
	// Audit is where its audit events come from, nil of a daemon that does not say it.
	Audit *Audit
}

// Audit is what a daemon says of audit events, which prove who made a change.
type Audit struct {
	// Configured is false where none are received or read.
	Configured bool
	// Silent says that none come any more although the cluster changes.
	Silent bool
	// Last is when the last one came, zero for never.
	Last time.Time
	// Changes were seen for which events could say who made them.
	Changes int
}

// Cluster is what the API server says.
type Cluster struct {
	Err string
	// ID and Version are those of the cluster that answers.
	ID      string
	Version string
}
