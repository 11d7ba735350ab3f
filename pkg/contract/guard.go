package contract

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Right is something that a caller may or may not do. Reading what an application
// is, and whether it is healthy, needs none.
type Right string

// The rights. Neither contains the other: who makes backups need not be able to
// overwrite anything, and the other way round.
const (
	// RightExport allows to read the state: export, fingerprints, verify.
	RightExport Right = "export"
	// RightImport allows to replace the state.
	RightImport Right = "import"
)

// Credentials is what came with a call to prove who makes it. What is empty was
// not shown, or was shown over a connection that others may read.
type Credentials struct {
	// Token is the bearer token.
	Token Token
	// Certificate is that of the caller, checked against TLS.ClientCAs.
	Certificate *x509.Certificate
	// PeerUID is the user of the process at the other end of a unix socket, nil
	// over TCP and where the system does not provide it.
	PeerUID *int
}

// Token is a bearer token. It is printed as a placeholder.
type Token string

// String hides the token.
func (t Token) String() string {
	if t == "" {
		return ""
	}
	return "[token]"
}

// GoString hides the token.
func (t Token) GoString() string { return t.String() }

// MarshalText hides the token.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue hides the token.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Caller is an authenticated caller.
type Caller struct {
	// Name says who it is, for the log of the application.
	Name string
	// May answers whether the caller has a right. An error means that it could not
	// be found out, and counts as no.
	May func(ctx context.Context, right Right) (bool, error)
}

// Guard finds out who calls and what they may do. It is called at the start of every
// call; a stream goes on when the credentials that began it expire. A guard may be
// called by several goroutines at once.
type Guard interface {
	// Identify returns the caller, or an error that wraps [ErrNotIdentified] when the
	// credentials prove nothing. Any other error means that they could not be
	// checked: the call fails, and may be tried again.
	Identify(ctx context.Context, c Credentials) (Caller, error)
}

// ErrNotIdentified is the answer of a [Guard] to credentials that prove nothing to
// it: none, wrong ones, or those of a kind that it does not know.
var ErrNotIdentified = errors.New("the credentials prove nothing")

// FirstGuard tries one guard after the other until one identifies the caller. What
// that one says of the caller's rights holds.
func FirstGuard(guards ...Guard) Guard { return firstGuard(guards) }

type firstGuard []Guard

// Identify implements [Guard].
func (f firstGuard) Identify(ctx context.Context, c Credentials) (Caller, error) {
	var unsure error
	for _, g := range f {
		caller, err := g.Identify(ctx, c)
		switch {
		case err == nil:
			return caller, nil
		case !errors.Is(err, ErrNotIdentified):
			unsure = errors.Join(unsure, err)
		}
	}
	if unsure != nil {
		return Caller{}, unsure
	}
	return Caller{}, ErrNotIdentified
}

// fixed makes a caller whose rights are known in advance.
func fixed(name string, rights []Right) Caller {
	return Caller{Name: name, May: func(_ context.Context, right Right) (bool, error) {
		return slices.Contains(rights, right), nil
	}}
}

func checkRights(name string, rights []Right) error {
	if len(rights) == 0 {
		return fmt.Errorf("%s has no right", name)
	}
	for _, r := range rights {
		if r != RightExport && r != RightImport {
			return fmt.Errorf("%s: there is no right %q", name, r)
		}
	}
	return nil
}

// AllowSameUser identifies callers at a unix socket whose process belongs to the
// given user, usually the result of os.Getuid, and gives them every right: whoever
// is that user reads the application's memory anyway. It works on Linux; elsewhere
// it identifies no caller.
func AllowSameUser(uid int) Guard { return sameUser(uid) }

type sameUser int

// Identify implements [Guard].
func (u sameUser) Identify(_ context.Context, c Credentials) (Caller, error) {
	if c.PeerUID == nil || *c.PeerUID != int(u) {
		return Caller{}, ErrNotIdentified
	}
	return fixed(fmt.Sprintf("uid %d", int(u)), []Right{RightExport, RightImport}), nil
}

// AllowCertificates identifies callers by a subject alternative name of their
// client certificate: a URI such as "spiffe://example.com/backup", or a DNS name.
// Common names are not looked at. It needs TLS.ClientAuth that verifies. A
// certificate with several listed names has the rights of all of them.
func AllowCertificates(rights map[string][]Right) (Guard, error) {
	for name, list := range rights {
		if name == "" {
			return nil, errors.New("a name of a certificate is empty")
		}
		if err := checkRights(name, list); err != nil {
			return nil, err
		}
	}
	return certificates(maps.Clone(rights)), nil
}

type certificates map[string][]Right

// Identify implements [Guard].
func (l certificates) Identify(_ context.Context, c Credentials) (Caller, error) {
	if c.Certificate == nil {
		return Caller{}, ErrNotIdentified
	}
	var names []string
	for _, uri := range c.Certificate.URIs {
		names = append(names, uri.String())
	}

	for _, name := range c.Certificate.DNSNames {
		// A DNS name that looks like a URI must not stand in for one.
		if !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}

	var shown []string
	var rights []Right
	for _, name := range names {
		if list, ok := l[name]; ok {
			shown, rights = append(shown, name), append(rights, list...)
		}
	}

	if len(shown) == 0 {
		return Caller{}, ErrNotIdentified
	}
	return fixed(strings.Join(shown, ", "), rights), nil
}

// TokenGrant says what the holder of a fixed token may do.
type TokenGrant struct {
	// Name is the name of the holder in the application's log.
	Name   string
	Token  Token
	Rights []Right
}

// shortestToken is how long a fixed token is at least: 16 random bytes in base64.
const shortestToken = 22

// AllowTokens identifies callers by fixed tokens of at least 22 characters. It is
// meant for tests and for applications outside of Kubernetes; tokens that expire
// are better where something issues them (see the package kubeauth).
func AllowTokens(grants ...TokenGrant) (Guard, error) {
	var l tokenList
	for _, g := range grants {
		if len(g.Token) < shortestToken {
			return nil, fmt.Errorf("the token of %s is shorter than %d characters", g.Name, shortestToken)
		}
		if err := checkRights(g.Name, g.Rights); err != nil {
			return nil, err
		}
		l = append(l, hashedGrant{sha256.Sum256([]byte(g.Token)), g.Name, slices.Clone(g.Rights)})
	}
	return l, nil
}

type hashedGrant struct {
	hash   [sha256.Size]byte
	name   string
	rights []Right
}

type tokenList []hashedGrant

// Identify implements [Guard]. Its time does not reveal how much of a token is right.
func (l tokenList) Identify(_ context.Context, c Credentials) (Caller, error) {
	if c.Token == "" {
		return Caller{}, ErrNotIdentified
	}
	hash := sha256.Sum256([]byte(c.Token))
	for _, g := range l {
		if subtle.ConstantTimeCompare(hash[:], g.hash[:]) == 1 {
			return fixed(g.name, g.rights), nil
		}
	}
	return Caller{}, ErrNotIdentified
}
