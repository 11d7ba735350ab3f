package metrics

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
)

// operation is what fails.
type operation string

// The operations.
const (
	reading    operation = "read"
	committing operation = "commit"
	pushing    operation = "push"
	fetching   operation = "fetch"
	measuring  operation = "measure"
)

// other is the reason of what has none of its own.
const other = "other"

// commitReasons are why a commit fails; the first that fits counts.
var commitReasons = []struct {
	reason string
	fits   func(error) bool
}{
	{"guard", func(err error) bool { var guard *repository.GuardError; return errors.As(err, &guard) }},
	{"locked", func(err error) bool { return errors.Is(err, gitsync.ErrLocked) }},
	{"history_rewritten", func(err error) bool { return errors.Is(err, repository.ErrRewritten) }},
	{"moved", func(err error) bool { return errors.Is(err, gitsync.ErrRefMoved) || errors.Is(err, gitsync.ErrFenced) }},
	{"disk_full", func(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }},
	{"permission", func(err error) bool { return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EROFS) }},
}

// pushReasons are the states that stop a push (docs/remotes.md).
var pushReasons = []gitsync.RemoteState{
	gitsync.RemoteDiverged, gitsync.RemoteAhead, gitsync.RemoteMoved, gitsync.RemoteProtected, gitsync.RemoteHook, gitsync.RemoteRefused,
	gitsync.RemoteFull, gitsync.RemoteTooLarge, gitsync.RemoteUnauthenticated, gitsync.RemoteForbidden, gitsync.RemoteHostKeyUnknown,
	gitsync.RemoteHostKeyChanged, gitsync.RemoteCertificate, gitsync.RemoteNotFound, gitsync.RemoteNotGit, gitsync.RemoteUnreachable,
	gitsync.RemoteSilent, gitsync.RemoteInterrupted, gitsync.RemoteBroken, gitsync.RemoteMisconfigured, gitsync.RemoteNotUnderstood,
}

// fetchReasons are the states in which a remote cannot be asked what it has.
var fetchReasons = []gitsync.RemoteState{
	gitsync.RemoteUnauthenticated, gitsync.RemoteForbidden, gitsync.RemoteHostKeyUnknown, gitsync.RemoteHostKeyChanged,
	gitsync.RemoteCertificate, gitsync.RemoteNotFound, gitsync.RemoteNotGit, gitsync.RemoteUnreachable, gitsync.RemoteSilent,
	gitsync.RemoteInterrupted, gitsync.RemoteBroken, gitsync.RemoteMisconfigured, gitsync.RemoteNotUnderstood,
}

// reason is one pair of labels of the failures.
type reason struct {
	operation operation
	reason    string
}

// reasons are all pairs that there can be: each has a sample from the beginning, so that its first failure
// is an increase.
var reasons = allReasons()

func allReasons() []reason {
	var list []reason
	for _, cause := range exporter.Causes() {
		list = append(list, reason{reading, string(cause)})
	}
	for _, c := range commitReasons {
		list = append(list, reason{committing, c.reason})
	}
	for _, state := range pushReasons {
		list = append(list, reason{pushing, label(string(state))})
	}
	for _, state := range fetchReasons {
		list = append(list, reason{fetching, label(string(state))})
	}
	return append(list, reason{committing, other}, reason{pushing, other}, reason{fetching, other}, reason{measuring, other})
}

// known is a reason of the table.
func known(o operation, why string) string {
	if slices.Contains(reasons, reason{o, why}) {
		return why
	}
	return other
}

// label makes a label of the words of a state.
func label(words string) string { return strings.ReplaceAll(strings.ToLower(words), " ", "_") }

// commitReason is why a commit failed.
func commitReason(err error) string {
	for _, c := range commitReasons {
		if c.fits(err) {
			return c.reason
		}
	}
	return other
}
