package gitsync

import "github.com/appbur/appbur/pkg/gitsync/internal/transport"

// What remotes are, and what is said of them.
type (
	// Remote is a repository elsewhere: its name, URL and credentials.
	Remote = transport.Remote
	// RemoteURL is a URL that a session can be opened with. It holds no credentials.
	RemoteURL = transport.URL
	// Namespace is the part of a remote that belongs to one repository, where many share the remote.
	Namespace = transport.Namespace
	// Credentials prove one side to the other. They are never printed.
	Credentials = transport.Credentials
	// RemoteOptions are the surroundings of a session: the time that a peer may be
	// silent, proxy, SSH agent, progress.
	RemoteOptions = transport.Options
	// RemoteError is why a remote could not be reached or would not take a push: a
	// [RemoteState], what the server said, and the cause.
	RemoteError = transport.Error
	// RemoteState is how a remote is related to this repository, or what stopped a
	// session. The texts are stable.
	RemoteState = transport.State
	// Transfer is how far a pack has come.
	Transfer = transport.Transfer
	// TransferPhase is what is being done with a pack. The set is closed.
	TransferPhase = transport.Phase
)

// ErrPlaintext means that a remote would be spoken to without TLS.
var ErrPlaintext = transport.ErrPlaintext

// ErrRemoteURL means that a text is no URL of a remote.
var ErrRemoteURL = transport.ErrURL

// ErrNamespace means that a text names no part of a remote.
var ErrNamespace = transport.ErrNamespace

// DefaultSilence is how long a peer may do nothing at all.
const DefaultSilence = transport.DefaultSilence

// The phases of a transfer, in git's own words.
const (
	Sending         = transport.Sending
	Receiving       = transport.Receiving
	ResolvingDeltas = transport.ResolvingDeltas
)

// The states of a remote that answered.
const (
	RemoteUpToDate = transport.UpToDate
	RemoteBehind   = transport.Behind
	RemoteEmpty    = transport.Empty
)

// The states that stop a push. Nothing is ever forced in any of them.
const (
	RemoteDiverged         = transport.Diverged
	RemoteAhead            = transport.Ahead
	RemoteMoved            = transport.Moved
	RemoteProtected        = transport.Protected
	RemoteHook             = transport.Hook
	RemoteRefused          = transport.Refused
	RemoteFull             = transport.Full
	RemoteTooLarge         = transport.TooLarge
	RemoteUnauthenticated  = transport.Unauthenticated
	RemoteForbidden        = transport.Forbidden
	RemoteHostKeyUnknown   = transport.HostKeyUnknown
	RemoteHostKeyChanged   = transport.HostKeyChanged
	RemoteCertificate      = transport.Certificate
	RemoteNotFound         = transport.NotFound
	RemoteNotGit           = transport.NotGit
	RemoteUnreachable      = transport.Unreachable
	RemoteSilent           = transport.Silent
	RemoteInterrupted      = transport.Interrupted
	RemoteBroken           = transport.Broken
	RemoteMisconfigured    = transport.Misconfigured
	RemoteNotUnderstood    = transport.NotUnderstood
	RemoteUnknownCondition = transport.UnknownCondition
)

// ParseRemoteURL reads what `git remote add` would be given, without credentials for HTTP: https, ssh,
// the short form user@host:path, a directory, and http where [RemoteURL.Plaintext] is accepted. A namespace follows after
// a #: https://git.example/fleet.git#clusters/eu-1.
func ParseRemoteURL(text string) (RemoteURL, error) { return transport.ParseURL(text) }

// ParseNamespace reads a part of a remote, such as clusters/eu-1.
func ParseNamespace(text string) (Namespace, error) { return transport.ParseNamespace(text) }

// StateOf returns the state that an error of a remote is about: "" for nil.
func StateOf(err error) RemoteState { return transport.StateOf(err) }
