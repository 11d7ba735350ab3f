package apps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Target is an application and where it listens.
type Target struct {
	appbur.AppKey
	// Address is host:port or unix:///path.
	Address string

	// Service is NAMESPACE/NAME of the Service by which the application was found, "" if the address
	// was given, and ServiceUID its uid.
	Service    string
	ServiceUID string
	// ServerName is what the certificate has to be for, "" for the host of the address. Roots signed
	// it, if the dialer knows no authority.
	ServerName string
	Roots      *x509.CertPool
	// SPIFFEID is what the certificate has to be for, in place of a ServerName.
	SPIFFEID SPIFFEID
	// Datasets are those that are saved, beside what they depend on; none for all.
	Datasets []string
	// Schedules are those that the application wants to be asked for its state by, none for any.
	Schedules []string
}

// Identity is the same for the same application, whatever replica of it is called.
func (t Target) Identity() string {
	if t.Service == "" {
		return t.Address
	}
	return "service:" + t.Service + ":" + t.ServiceUID
}

// DefaultNamespace is that of an application whose namespace is not named.
const DefaultNamespace = "default"

// Parse reads [NAMESPACE/]NAME=ADDRESS.
func Parse(text string) (Target, error) {
	name, address, _ := strings.Cut(text, "=")
	key, err := ParseKey(name)
	if err != nil || address == "" {
		return Target{}, fmt.Errorf("%q is not [NAMESPACE/]NAME=ADDRESS", text)
	}
	return Target{AppKey: key, Address: address}, nil
}

// ParseKey reads [NAMESPACE/]NAME.
func ParseKey(text string) (appbur.AppKey, error) {
	key := appbur.AppKey{Namespace: DefaultNamespace, Name: text}
	if namespace, short, qualified := strings.Cut(text, "/"); qualified {
		key.Namespace, key.Name = namespace, short
	}
	for _, part := range []string{key.Namespace, key.Name} {
		if part == "" || strings.ContainsAny(part, "/= \t") || strings.HasPrefix(part, ".") {
			return appbur.AppKey{}, fmt.Errorf("%q is not [NAMESPACE/]NAME", text)
		}
	}
	return key, nil
}

// Dialer knows how to reach applications.
type Dialer struct {
	// TLS secures TCP connections.
	TLS *tls.Config
	// Insecure allows TCP without TLS.
	Insecure bool
	// Token proves who calls to applications whose address was given; nil when nothing or a certificate does. One that
	// was found is not shown it: whoever may label a Service would get what lets them into the other applications.
	Token contract.TokenSource
	// TokenOf is what proves it to one application and to no other, found or not; nil if it has nothing of its own. If it
	// is set Token is not used.
	TokenOf func(appbur.AppKey) contract.TokenSource
	// Version is that of the calling program, for the application's log.
	Version string
	// Programs opens applications that are no server; nil if there are none.
	Programs Programs
}

// Programs makes applications of what has no contract.
type Programs interface {
	// Is reports whether an address is that of such an application.
	Is(address string) bool
	// Open begins to serve it, within this process, until the client is closed.
	Open(ctx context.Context, t Target, o contract.DialOptions) (*contract.Client, error)
}

// dial connects to an application, and keeps trying for a time, or the usual one if that is 0.
func (d Dialer) dial(ctx context.Context, t Target, timeout time.Duration) (*contract.Client, error) {
	options := contract.DialOptions{
		TLS: d.tlsFor(t), Insecure: d.Insecure, Token: d.tokenFor(t), Timeout: timeout, Name: "appbur", Version: d.Version,
	}
	if d.Programs != nil && d.Programs.Is(t.Address) {
		client, err := d.Programs.Open(ctx, t, options)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("application %s: %w", t.AppKey, err), hint(err, "look at the pods of the application"))
		}
		return client, nil
	}
	client, err := contract.Dial(ctx, t.Address, options)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("application %s: %w", t.AppKey, err),
			hint(err, "check that it runs and serves the contract at "+t.Address))
	}
	return client, nil
}

// tokenFor is what proves to an application who calls.
func (d Dialer) tokenFor(t Target) contract.TokenSource {
	switch {
	case d.TokenOf != nil:
		return d.TokenOf(t.AppKey)
	case t.Service != "":
		return nil
	}
	return d.Token
}

// tlsFor is how the connection to an application is secured, nil if it is not.
func (d Dialer) tlsFor(t Target) *tls.Config {
	switch {
	case d.Insecure:
		return nil
	case d.TLS == nil || t.ServerName == "" && t.Roots == nil && t.SPIFFEID == SPIFFEID{}:
		return d.TLS
	}
	own := d.TLS.Clone()
	own.ServerName = t.ServerName
	if own.RootCAs == nil {
		own.RootCAs = t.Roots
	}
	if t.SPIFFEID != (SPIFFEID{}) {
		t.SPIFFEID.secure(own)
	}
	return own
}

// hangUp ends a connection whose work is done or has failed already; that the end
// fails as well says nothing new.
func hangUp(client *contract.Client) { _ = client.Close() }

// hint keeps the hint that an error has, or gives it one.
func hint(err error, otherwise string) string {
	if own := appbur.HintOf(err); own != "" {
		return own
	}
	return otherwise
}
