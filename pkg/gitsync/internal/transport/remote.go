package transport

import (
	"net/http"
	"net/url"
	"time"
)

// Remote is another repository that holds a copy of this one.
type Remote struct {
	// Name is what people call it: that of the section in the Git configuration.
	Name        string
	URL         URL
	Credentials Credentials
	// AllowPlaintext accepts HTTP without TLS to other machines.
	AllowPlaintext bool
}

// Credentials prove one side to the other. Those that do not fit the protocol of
// the URL are not used. They are never printed.
type Credentials struct {
	// Username and Password are HTTP's basic authentication; a forge's token is a
	// password. Username is also SSH's user where the URL names none.
	Username, Password string
	// BearerToken is HTTP's bearer authentication.
	BearerToken string
	// Identity is a private key for SSH in PEM; Password is its passphrase.
	Identity []byte
	// KnownHosts is a file in the format of known_hosts. SSH without it is refused.
	KnownHosts string
	// CA holds the PEM certificates that a server's certificate is checked
	// against, in place of the system's.
	CA []byte
}

// String says nothing.
func (Credentials) String() string { return "(credentials)" }

// GoString says nothing.
func (Credentials) GoString() string { return "(credentials)" }

// Options are the surroundings in which remotes are talked to.
type Options struct {
	// Silence is how long a peer may do nothing at all before it counts as dead:
	// [DefaultSilence] if it is zero. A slow transfer is no silence.
	Silence time.Duration
	// Agent is the socket of an SSH agent, asked when a remote has no identity.
	Agent string
	// Proxy chooses an HTTP proxy; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// Git is the program that serves remotes that are directories: "git" if empty.
	Git string
	// Progress is called with how far a pack has come, one call at a time for each remote; it
	// may be nil.
	Progress func(Transfer)
}

// Report tells the caller how far a pack has come.
func (o Options) Report(t Transfer) {
	if o.Progress != nil {
		o.Progress(t)
	}
}

// DefaultSilence is longer than any server needs to say that it is still at work:
// git's own says so every five seconds.
const DefaultSilence = 60 * time.Second

func (o Options) silence() time.Duration {
	if o.Silence <= 0 {
		return DefaultSilence
	}
	return o.Silence
}
