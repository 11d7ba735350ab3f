package cli

import (
	"context"
	"errors"
)

// Exit codes. They are a promise to scripts (docs/exit-codes.md); unknown codes
// mean failure. 2 is never used on purpose, because a Go panic exits with 2 and
// a crash must not look like an answer.
const (
	// ExitDone means that everything asked for was done.
	ExitDone = 0
	// ExitFailed means that it was not.
	ExitFailed = 1
	// ExitPartly means that some of it was: a capture with holes in its coverage, a
	// restore with failed objects.
	ExitPartly = 3
	// ExitDifferent means that a comparison found differences.
	ExitDifferent = 4
	// ExitDamaged means that a repository is not what it must be: bytes are damaged, or
	// the history is not the one that was seen before.
	ExitDamaged = 5
	// ExitNotFound means that the repository or the restore point does not exist.
	ExitNotFound = 10
	// ExitMoved means that another writer holds or moved the repository, or that what a
	// saved plan was made of moved.
	ExitMoved = 11
	// ExitCredentials means that a key or a login was refused or is missing.
	ExitCredentials = 12
	// ExitIncompatible means that the target cannot take what the plan contains.
	ExitIncompatible = 20
	// ExitGoldenEdited to ExitSchemaBroken are the gates of `compat payload` after the first one,
	// which has the code of everything that is incompatible.
	ExitGoldenEdited  = 21
	ExitGoldenMissing = 22
	ExitFieldUnset    = 23
	ExitUpcastUnused  = 24
	ExitUnsupported   = 25
	ExitSchemaBroken  = 26
	// ExitDrill means that a drill failed: what was restored is not what was saved, or a check says that it does not work.
	ExitDrill = 27
	// ExitUsage means that the command line was wrong; nothing was done.
	ExitUsage = 64
	// ExitCancelled means that the user or a signal stopped the command.
	ExitCancelled = 130
)

// outcome is an error that is no failure of the program but an answer with a
// code of its own. What it has to say was printed already.
type outcome struct {
	code int
	text string
}

func (o *outcome) Error() string { return o.text }

var (
	errPartly    = &outcome{ExitPartly, "done in part"}
	errDifferent = &outcome{ExitDifferent, "differences found"}
	errDrill     = &outcome{ExitDrill, "the drill failed"}
	errDamaged   = &outcome{ExitDamaged, "damage found"}
	// errDistrusted is what a check says of content without a trusted signature.
	errDistrusted = &outcome{ExitCredentials, "signatures that cannot be trusted found"}
)

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// stoppedError means that a person or a signal stopped the command.
type stoppedError struct{ text string }

func (e *stoppedError) Error() string { return e.text }

// exitCode decides what an error means to a script. It is the only place that
// does: everything below it wraps and returns.
func exitCode(err error) int {
	var (
		answer *outcome
		usage  *usageError
		stop   *stoppedError
	)
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &stop), errors.Is(err, context.Canceled):
		return ExitCancelled
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &answer):
		return answer.code
	}

	for _, rule := range exitRules {
		if rule.matches(err) {
			return rule.code
		}
	}
	return ExitFailed
}
