package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/appbur/appbur"
)

// ErrURL means that the URL of a remote is not one to work with.
var ErrURL = errors.New("unusable remote URL")

// ErrPlaintext means that a remote would be spoken to without TLS.
var ErrPlaintext = errors.New("http:// to another machine: whoever is on the way can read and change everything, credentials included")

// State says how a remote is related to this repository, or why it could not be
// reached or would not take a push. The texts are stable.
type State string

// The states of a remote that answered.
const (
	UpToDate State = "up to date"
	Behind   State = "behind"
	Empty    State = "empty"
)

// The states that stop a push. Nothing is ever forced in any of them.
const (
	Diverged         State = "diverged"
	Ahead            State = "ahead"
	Moved            State = "moved meanwhile"
	Protected        State = "branch protected"
	Hook             State = "rejected by a hook"
	Refused          State = "refused"
	Full             State = "full"
	TooLarge         State = "too large"
	Unauthenticated  State = "authentication failed"
	Forbidden        State = "forbidden"
	HostKeyUnknown   State = "host key unknown"
	HostKeyChanged   State = "host key changed"
	Certificate      State = "certificate not trusted"
	NotFound         State = "not found"
	NotGit           State = "no smart Git server"
	Unreachable      State = "unreachable"
	Silent           State = "silent"
	Interrupted      State = "interrupted"
	Broken           State = "broken"
	Misconfigured    State = "misconfigured"
	NotUnderstood    State = "not understood"
	UnknownCondition State = "failed"
)

// stateHints are the next steps.
var stateHints = map[State]string{
	Diverged:         "somebody else pushed to the remote, or rewrote it; look at what it holds; nothing is ever forced",
	Ahead:            "this repository is an old copy; clone the remote anew",
	Moved:            "somebody else pushed at the same moment; see what they pushed, then push again",
	Protected:        "let the account that appbur uses push to the branch, in the branch protection settings of the remote",
	Hook:             "the server's own rules refused the push; what they said is in the message",
	Refused:          "the reason is the server's; change its settings",
	Full:             "free space at the remote, or raise the quota",
	TooLarge:         "raise the server's limit for one push (receive.maxInputSize, client_max_body_size and the like)",
	Unauthenticated:  "check the files username and password, or bearerToken, or identity, among the remote's credentials; a token may have expired",
	Forbidden:        "the account or deploy key must be allowed to write",
	HostKeyUnknown:   "compare the fingerprint with what the server's owner publishes, then add the line that `ssh-keyscan HOST` prints to the file known_hosts among the remote's credentials",
	HostKeyChanged:   "somebody may be between you and the server; if its owner confirms a new key, replace the line in known_hosts",
	Certificate:      "put the certificate of the authority that signed the server's into the file ca.crt among the remote's credentials",
	NotFound:         "create an empty repository there, or check the URL; forges say the same when the account may not read it",
	NotGit:           "the URL must be that of a Git server that speaks the smart protocol (git http-backend, a forge)",
	Unreachable:      "check that the server is up and that this machine can reach it; commits go on meanwhile and are pushed later",
	Silent:           "the peer stopped answering; push again, it goes on from where the remote is",
	Interrupted:      "push again; it goes on from where the remote is",
	Broken:           "run `git fsck` on the remote",
	Misconfigured:    "correct the remote's URL or credentials",
	NotUnderstood:    "the server says what appbur does not understand; try `git push` against it",
	UnknownCondition: "try `git ls-remote` with the same URL",
}

// Error is why a remote could not be reached or would not take a push.
type Error struct {
	State State
	// Said is what the server itself said, for people; it may be empty.
	Said string
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Said != "" && !strings.Contains(text, e.Said) {
		text += ": the server says: " + e.Said
	}
	if !strings.HasPrefix(text, string(e.State)) {
		text = string(e.State) + ": " + text
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NewError makes a remote error with the hint of its state.
func NewError(state State, said string, err error) error {
	if err == nil {
		err = errors.New(string(state))
	}
	hint := appbur.HintOf(err)
	if hint == "" {
		hint = stateHints[state]
	}
	return appbur.WithHint(&Error{State: state, Said: cleanSaid(said), Err: err}, hint)
}

// StateOf returns the state that an error of a remote is about: "" for nil.
func StateOf(err error) State {
	var remote *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &remote):
		return remote.State
	default:
		return UnknownCondition
	}
}

// failed finds the state for what went wrong while talking, from the error and
// from what the server said. Cancelling is not the remote's failure.
func failed(ctx context.Context, err error, said string) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errSilent):
		return NewError(Silent, said, cause)
	case cause != nil:
		return fmt.Errorf("session with the remote: %w", cause)
	case err == nil:
		return nil
	case IsLocal(err):
		return err
	}

	var remote *Error
	if errors.As(err, &remote) {
		if remote.Said == "" {
			remote.Said = cleanSaid(said)
		}
		return err
	}
	if state, ok := stateSaid(said); ok {
		return NewError(state, said, err)
	}
	return NewError(stateOfError(err), said, err)
}

// maxSaid bounds what is kept of a server's words.
const maxSaid = 2000

// cleanSaid makes one line of a server's words, without control characters.
func cleanSaid(said string) string {
	var parts []string
	for _, line := range strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
				return -1
			}
			return r
		}, line)
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	text := strings.Join(parts, "; ")
	if len(text) > maxSaid {
		text = "…" + strings.ToValidUTF8(text[len(text)-maxSaid:], "")
	}
	return text
}

// localError is damage in this repository, for which no remote is to blame.
type localError struct{ err error }

// Error implements error.
func (e *localError) Error() string { return "this repository: " + e.err.Error() }

// Unwrap returns the cause.
func (e *localError) Unwrap() error { return e.err }

// hinted is the error with its next step, nil for nil.
func (e *localError) hinted() error {
	if e == nil {
		return nil
	}
	return appbur.WithHint(e, "run `git fsck` here; what is damaged can be cloned from a remote that has it")
}

// IsLocal reports whether something failed on this side.
func IsLocal(err error) bool {
	var home *localError
	return errors.As(err, &home)
}
