package gitsync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/appbur/appbur"
)

// ErrRemoteURL means that the URL of a remote is not one to work with.
var ErrRemoteURL = errors.New("unusable remote URL")

// RemoteState says how a remote stands to this repository, or why it could not be
// reached or would not take a push. The texts are stable.
type RemoteState string

// The states of a remote that answered.
const (
	RemoteUpToDate RemoteState = "up to date"
	RemoteBehind   RemoteState = "behind"
	RemoteEmpty    RemoteState = "empty"
)

// The states that stop a push. Nothing is ever forced in any of them.
const (
	RemoteDiverged         RemoteState = "diverged"
	RemoteAhead            RemoteState = "ahead"
	RemoteMoved            RemoteState = "moved meanwhile"
	RemoteProtected        RemoteState = "branch protected"
	RemoteHook             RemoteState = "rejected by a hook"
	RemoteRefused          RemoteState = "refused"
	RemoteFull             RemoteState = "full"
	RemoteTooLarge         RemoteState = "too large"
	RemoteUnauthenticated  RemoteState = "authentication failed"
	RemoteForbidden        RemoteState = "forbidden"
	RemoteHostKeyUnknown   RemoteState = "host key unknown"
	RemoteHostKeyChanged   RemoteState = "host key changed"
	RemoteCertificate      RemoteState = "certificate not trusted"
	RemoteNotFound         RemoteState = "not found"
	RemoteNotGit           RemoteState = "no smart Git server"
	RemoteUnreachable      RemoteState = "unreachable"
	RemoteSilent           RemoteState = "silent"
	RemoteInterrupted      RemoteState = "interrupted"
	RemoteBroken           RemoteState = "broken"
	RemoteMisconfigured    RemoteState = "misconfigured"
	RemoteNotUnderstood    RemoteState = "not understood"
	RemoteUnknownCondition RemoteState = "failed"
)

// stateHints are the next steps.
var stateHints = map[RemoteState]string{
	RemoteDiverged:         "somebody else pushed to the remote, or rewrote it; look at what it holds, then clone it anew (`appbur clone`) or give this repository an empty remote; appbur never forces a push",
	RemoteAhead:            "this repository is an old copy; clone the remote anew with `appbur clone`",
	RemoteMoved:            "somebody else pushed at the same moment; see what they pushed, then push again",
	RemoteProtected:        "let the account that appbur uses push to the branch, in the branch protection settings of the remote",
	RemoteHook:             "the server's own rules refused the push; what they said is in the message",
	RemoteRefused:          "the reason is the server's; change its settings",
	RemoteFull:             "free space at the remote, or raise the quota",
	RemoteTooLarge:         "raise the server's limit for one push (receive.maxInputSize, client_max_body_size and the like)",
	RemoteUnauthenticated:  "check the files username and password, or bearerToken, or identity, among the remote's credentials; a token may have expired",
	RemoteForbidden:        "the account or deploy key must be allowed to write",
	RemoteHostKeyUnknown:   "compare the fingerprint with what the server's owner publishes, then add the line that `ssh-keyscan HOST` prints to the file known_hosts among the remote's credentials",
	RemoteHostKeyChanged:   "somebody may be between you and the server; if its owner confirms a new key, replace the line in known_hosts",
	RemoteCertificate:      "put the certificate of the authority that signed the server's into the file ca.crt among the remote's credentials",
	RemoteNotFound:         "create an empty repository there, or check the URL; forges say the same when the account may not read it",
	RemoteNotGit:           "the URL must be that of a Git server that speaks the smart protocol (git http-backend, a forge)",
	RemoteUnreachable:      "check that the server is up and that this machine can reach it; commits go on meanwhile and are pushed later",
	RemoteSilent:           "the peer stopped answering; push again, it goes on from where the remote is",
	RemoteInterrupted:      "push again; it goes on from where the remote is",
	RemoteBroken:           "run `git fsck` on the remote",
	RemoteMisconfigured:    "correct the remote's URL or credentials",
	RemoteNotUnderstood:    "the server says what appbur does not understand; try `git push` against it",
	RemoteUnknownCondition: "try `git ls-remote` with the same URL",
}

// RemoteError is why a remote could not be reached or would not take a push.
type RemoteError struct {
	State RemoteState
	// Said is what the server itself said, for people; it may be empty.
	Said string
	Err  error
}

// Error implements error.
func (e *RemoteError) Error() string {
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
func (e *RemoteError) Unwrap() error { return e.Err }

// inState makes a remote error with the hint of its state.
func inState(state RemoteState, said string, err error) error {
	if err == nil {
		err = errors.New(string(state))
	}
	hint := appbur.HintOf(err)
	if hint == "" {
		hint = stateHints[state]
	}
	return appbur.WithHint(&RemoteError{State: state, Said: cleanSaid(said), Err: err}, hint)
}

// StateOf returns the state that an error of a remote stands for: "" for nil.
func StateOf(err error) RemoteState {
	var remote *RemoteError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &remote):
		return remote.State
	default:
		return RemoteUnknownCondition
	}
}

// failed finds the state for what went wrong while talking, from the error and
// from what the server said. Cancelling is not the remote's failure.
func failed(ctx context.Context, err error, said string) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errSilent):
		return inState(RemoteSilent, said, cause)
	case cause != nil:
		return fmt.Errorf("session with the remote: %w", cause)
	case err == nil:
		return nil
	case ownFailure(err):
		return err
	}

	var remote *RemoteError
	if errors.As(err, &remote) {
		if remote.Said == "" {
			remote.Said = cleanSaid(said)
		}
		return err
	}
	if state, ok := stateSaid(said); ok {
		return inState(state, said, err)
	}
	return inState(stateOfError(err), said, err)
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

// homeError is damage in this repository, for which no remote is to blame.
type homeError struct{ err error }

// Error implements error.
func (e *homeError) Error() string { return "this repository: " + e.err.Error() }

// Unwrap returns the cause.
func (e *homeError) Unwrap() error { return e.err }

// hinted is the error with its next step, nil for nil.
func (e *homeError) hinted() error {
	if e == nil {
		return nil
	}
	return appbur.WithHint(e, "run `git fsck` here; what is damaged can be cloned from a remote that has it")
}

// ownFailure reports whether something failed on this side.
func ownFailure(err error) bool {
	var home *homeError
	return errors.As(err, &home)
}
