package contracttest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// attempt makes one call of each right and returns how they ended.
func (s *session) attempt(ctx context.Context, a state, dial contract.DialOptions, token credentials.PerRPCCredentials) (export,
	importing error, err error,
) {
	connection, err := s.connectAs(s.instance.Address, dial, token)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stub := contractpb.NewAppStateClient(connection)
	stream, export := stub.Export(ctx, &contractpb.ExportRequest{OperationId: s.operation()})
	if export == nil {
		_, export = drain(stream)
	}
	importing = play(ctx, stub, s.raw(a).requests())
	return export, importing, nil
}

// handshakeTimeout is how long a refused connection may take to report it.
const handshakeTimeout = 10 * time.Second

// ended compares how a call ended with how it should. A refused handshake shows as
// UNAVAILABLE.
func ended(what string, err error, want codes.Code) error {
	got := read(err).code
	if err == nil {
		got = codes.OK
	}
	if got == want || want == codes.Unauthenticated && got == codes.Unavailable {
		return nil
	}
	wrong := fmt.Errorf("%s ended with %s, want %s", what, got, want)
	if err != nil {
		wrong = fmt.Errorf("%w: %w", wrong, err)
	}
	return wrong
}

func netIdentities(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	anonymous := s.instance.Dial
	anonymous.Token = nil
	anonymous.TLS = anonymous.TLS.Clone()
	anonymous.TLS.Certificates, anonymous.TLS.GetClientCertificate = nil, nil
	identities := append([]Identity{{"nobody", anonymous, nil, codes.Unauthenticated, codes.Unauthenticated}}, s.instance.Identities...)

	partial := false
	for _, i := range identities {
		export, importing, err := s.attempt(ctx, before, i.Dial, i.Credentials)
		if err != nil {
			return err
		}
		if err := errors.Join(ended("an export by "+i.Name, export, i.Export), ended("an import by "+i.Name, importing, i.Import)); err != nil {
			return err
		}
		partial = partial || (i.Export == codes.OK) != (i.Import == codes.OK)
	}

	if !partial {
		s.note("no identity was given that may export and not import, or the other way")
	}
	return s.holds(ctx, before)
}

func netExpired(ctx context.Context, s *session) error {
	if s.instance.Expire == nil {
		return s.needs("", "Expire")
	}
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}

	h, err := s.hold(ctx, before, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	defer h.cancel()
	r := s.raw(other)
	stream, err := s.sendAll(ctx, r, len(r.chunks))
	if err != nil {
		return err
	}
	if err := s.instance.Expire(ctx); err != nil {
		return fmt.Errorf("letting the credentials expire: %w", err)
	}

	got, err := h.rest(s)
	switch {
	case err == nil:
		err = before.differs(got)
	case read(err).code == codes.Unauthenticated:
		err = nil
	}

	if err != nil {
		return fmt.Errorf("an export whose credentials expired: %w", err)
	}
	sent := stream.Send(commitMessage(r.commit))
	err = outcome(stream)
	if err != nil && read(err).code != codes.Unauthenticated {
		return fmt.Errorf("an import whose credentials expired: %w", errors.Join(err, sent))
	}
	want := before
	if err == nil {
		want = other
	}
	return s.holds(ctx, want)
}

func netTransport(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	stranger, err := selfSigned()
	if err != nil {
		return err
	}
	plain, old, unknown := s.instance.Dial, s.instance.Dial, s.instance.Dial
	plain.TLS = nil
	old.TLS = old.TLS.Clone()
	old.TLS.MinVersion, old.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	unknown.TLS = unknown.TLS.Clone()
	unknown.TLS.Certificates = []tls.Certificate{stranger}

	for what, dial := range map[string]contract.DialOptions{
		"in plain text": plain, "by TLS 1.1": old,
		"with a certificate that no CA issued": unknown,
	} {
		token := s.instance.Credentials
		if what == "with a certificate that no CA issued" {
			token = nil
		}
		if what == "in plain text" && token != nil {
			token = nil // no client would send it
		}
		export, importing, err := s.attempt(ctx, before, dial, token)
		if err != nil {
			return err
		}
		if export == nil || importing == nil {
			return fmt.Errorf("a caller %s was served", what)
		}
	}

	return s.holds(ctx, before)
}

// selfSigned makes a client certificate that no authority knows.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	// A certificate of all times: whether it is refused must not depend on a clock.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, err
}

func netDefaultClient(ctx context.Context, s *session) error {
	connection, err := s.connect()
	if err != nil {
		return err
	}
	stub := contractpb.NewAppStateClient(connection)
	stream, err := stub.Export(ctx, &contractpb.ExportRequest{OperationId: s.operation()})
	if err != nil {
		return err
	}
	all, err := drain(stream)
	if err != nil {
		return fmt.Errorf("an export by a client with default settings: %w", err)
	}

	const longest = 4 << 20
	for _, m := range all {
		if n := proto.Size(m); n > longest {
			return fmt.Errorf("a message has %d bytes, allowed are %d", n, longest)
		}
	}

	got, err := s.joined(all)
	if err != nil {
		return err
	}
	if s.info.Limits.MaxChunkBytes > longest-(64<<10) {
		return fmt.Errorf("max_chunk_bytes is %d, which leaves no room in a message of %d bytes", s.info.Limits.MaxChunkBytes, longest)
	}
	if err := play(ctx, stub, s.rawIn(got, s.info.Limits.MaxChunkBytes).requests()); err != nil {
		return fmt.Errorf("an import by a client with default settings: %w", err)
	}
	return s.holds(ctx, got)
}

func netDeadline(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	const soon = 100 * time.Millisecond
	short, cancel := context.WithTimeout(ctx, soon)
	defer cancel()

	h, err := s.hold(short, before, &contractpb.ExportRequest{})
	if err == nil {
		defer h.cancel()
		<-short.Done()
		if _, err := h.rest(s); err != nil && !ranOut(err) {
			return fmt.Errorf("an export whose deadline passed: %w", err)
		}
	} else if !ranOut(err) {
		return err
	}

	importing, cancelImport := context.WithTimeout(ctx, soon)
	defer cancelImport()
	r := s.raw(other)
	if stream, err := s.sendAll(importing, r, len(r.chunks)); err == nil {
		if err := outcome(stream); !ranOut(err) {
			return fmt.Errorf("an import whose deadline passed: %w", err)
		}
	} else if !ranOut(err) {
		return err
	}

	if err := s.unchanged(ctx, before); err != nil {
		return err
	}
	if err := s.eventually(ctx, freedWithin, func(ctx context.Context) error {
		return s.send(ctx, s.raw(other))
	}); err != nil {
		return fmt.Errorf("an import after one whose deadline passed: %w", err)
	}
	return s.holds(ctx, other)
}

// ranOut reports whether a call ended as calls do whose deadline passes. When the
// application notices first, grpc may end its stream inside a message, which the
// transport of the caller calls INTERNAL.
func ranOut(err error) bool {
	a := read(err)
	return a.code == codes.DeadlineExceeded || a.code == codes.Internal && !a.informed
}
