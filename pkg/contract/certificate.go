package contract

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/appbur/appbur"
)

var (
	// ErrServerCertificate means that the certificate of the application is not one
	// that the caller trusts for this address.
	ErrServerCertificate = errors.New("the certificate of the application is not trusted")
	// ErrClientCertificate means that the application wants a certificate of the caller
	// and got none that it trusts.
	ErrClientCertificate = errors.New("the application does not accept the certificate of the caller")
)

// certificateAlerts are the texts of the alerts by which a server refuses a certificate
// that it requested (RFC 8446, section 6.2); crypto/tls does not export the type that it
// returns.
var certificateAlerts = alertTexts(
	40,  // handshake_failure, with TLS 1.2 for a certificate that is missing
	42,  // bad_certificate
	43,  // unsupported_certificate
	44,  // certificate_revoked
	45,  // certificate_expired
	46,  // certificate_unknown
	48,  // unknown_ca
	49,  // access_denied
	116, // certificate_required
)

func alertTexts(alerts ...tls.AlertError) map[string]bool {
	texts := map[string]bool{}
	for _, alert := range alerts {
		texts[alert.Error()] = true
	}
	return texts
}

// watchedTLS is TLS that remembers why certificates were refused: grpc turns the error
// of a handshake into text, and with TLS 1.3 the refusal of a client's certificate comes
// after the handshake, as an error of the first read.
type watchedTLS struct {
	credentials.TransportCredentials
	refused *atomic.Pointer[refusal]
	// requested is true once the application has requested a certificate, shown once one fitted.
	requested, shown *atomic.Bool
}

// refusal is why a certificate was refused.
type refusal struct{ err error }

func newWatchedTLS(config *tls.Config) watchedTLS {
	w := watchedTLS{refused: &atomic.Pointer[refusal]{}, requested: &atomic.Bool{}, shown: &atomic.Bool{}}
	config = modernTLS(config)
	choose := config.GetClientCertificate
	if choose == nil {
		choose = fitting(config.Certificates)
	}
	config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		chosen, err := choose(request)
		w.requested.Store(true)
		w.shown.Store(err == nil && chosen != nil && len(chosen.Certificate) > 0)
		return chosen, err
	}
	w.TransportCredentials = credentials.NewTLS(config)
	return w
}

// fitting chooses as crypto/tls does: the first certificate that the application takes,
// else an empty one, which shows none.
func fitting(certificates []tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		for i := range certificates {
			if request.SupportsCertificate(&certificates[i]) == nil {
				return &certificates[i], nil
			}
		}
		return &tls.Certificate{}, nil
	}
}

// ClientHandshake implements [credentials.TransportCredentials].
func (w watchedTLS) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		w.note(err)
		return nil, nil, err
	}
	w.refused.Store(nil)
	return &watchedConn{Conn: conn, note: w.note}, info, nil
}

// Clone implements [credentials.TransportCredentials].
func (w watchedTLS) Clone() credentials.TransportCredentials {
	w.TransportCredentials = w.TransportCredentials.Clone()
	return w
}

func (w watchedTLS) note(err error) {
	var (
		ours   *tls.CertificateVerificationError
		remote *net.OpError
	)
	switch {
	case errors.As(err, &ours):
		w.refused.Store(&refusal{fmt.Errorf("%w: %w", ErrServerCertificate, ours.Err)})
	case errors.As(err, &remote) && remote.Op == "remote error" && w.requested.Load() && certificateAlerts[remote.Err.Error()]:
		what := "none that fits was given"
		if w.shown.Load() {
			what = "one was shown"
		}
		w.refused.Store(&refusal{fmt.Errorf("%w: %w, %s", ErrClientCertificate, remote.Err, what)})
	}
}

// watchedConn looks at the errors of reads.
type watchedConn struct {
	net.Conn
	note func(error)
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.note(err)
	}
	return n, err
}

// certificateError is the error of a call that failed because a certificate was
// refused, nil if none was. Trying again would not help.
func (c *Client) certificateError() error {
	if c.watched.refused == nil {
		return nil
	}
	refused := c.watched.refused.Load()
	if refused == nil {
		return nil
	}
	hint := "show a certificate that the application trusts, with a name that it knows"
	if errors.Is(refused.err, ErrServerCertificate) {
		hint = "name the certificate authority of the application, and an address that its certificate is for"
	}
	return appbur.WithHint(&Error{
		Code: codes.Unauthenticated, Message: fmt.Sprintf("connecting to %s: %v", c.address, refused.err), cause: refused.err,
	}, hint)
}
