package contract

import (
	"context"
	"crypto/tls"
	"net"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// unixTransport is the transport of unix sockets. They cannot be intercepted, so
// tokens may be sent; and the system provides the user at the other end.
type unixTransport struct{}

// unixPeer is what is known of the other end of a unix socket.
type unixPeer struct {
	credentials.CommonAuthInfo
	uid *int
}

// AuthType implements [credentials.AuthInfo].
func (unixPeer) AuthType() string { return "unix" }

// ClientHandshake implements [credentials.TransportCredentials].
func (unixTransport) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return conn, newUnixPeer(nil), nil
}

// ServerHandshake implements [credentials.TransportCredentials].
func (unixTransport) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return conn, newUnixPeer(peerUID(conn)), nil
}

func newUnixPeer(uid *int) unixPeer {
	return unixPeer{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, uid}
}

// Info implements [credentials.TransportCredentials].
func (unixTransport) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "unix"}
}

// Clone implements [credentials.TransportCredentials].
func (u unixTransport) Clone() credentials.TransportCredentials { return u }

// OverrideServerName implements [credentials.TransportCredentials].
func (unixTransport) OverrideServerName(string) error { return nil }

// shown collects the credentials of a call. A token that came over a connection
// which others may read proves nothing, and is not looked at.
func shown(ctx context.Context) Credentials {
	var c Credentials
	p, ok := peer.FromContext(ctx)
	if !ok || p.AuthInfo == nil {
		return c
	}
	switch info := p.AuthInfo.(type) {
	case credentials.TLSInfo:
		if chains := info.State.VerifiedChains; len(chains) > 0 && len(chains[0]) > 0 {
			c.Certificate = chains[0][0]
		}
	case unixPeer:
		c.PeerUID = info.uid
	}
	if credentials.CheckSecurityLevel(p.AuthInfo, credentials.PrivacyAndIntegrity) == nil {
		c.Token = bearer(ctx)
	}
	return c
}

// bearer returns the token of the metadata field authorization. Two fields are as
// good as none: it is not for us to choose.
func bearer(ctx context.Context) Token {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return Token(strings.TrimSpace(token))
}

// modernTLS makes sure that no version before 1.2 is spoken, whatever the
// configuration says.
func modernTLS(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if choose := config.GetConfigForClient; choose != nil {
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			if chosen == nil || err != nil {
				return nil, err
			}
			return modernTLS(chosen), nil
		}
	}
	return config
}
