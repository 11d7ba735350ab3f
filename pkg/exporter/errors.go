package exporter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"golang.org/x/net/http2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/deadpeer"
)

// Errors that a caller may distinguish with [errors.Is].
var (
	// ErrUnreachable means that no API server answered.
	ErrUnreachable = errors.New("the API server cannot be reached")
	// ErrUnauthorized means that the API server does not accept the credentials.
	ErrUnauthorized = errors.New("the API server does not accept the credentials")
	// ErrForbidden means that the credentials do not have a permission.
	ErrForbidden = errors.New("the account does not have the permission")
	// ErrCertificate means that the connection is not trusted.
	ErrCertificate = errors.New("the certificate of the API server is not trusted")
)

// explain marks an error of a request with what it means and what to do. Errors
// that it does not know come back as they are.
func explain(err error) error {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		hostname  x509.HostnameError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
	)

	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case apierrors.IsUnauthorized(err):
		return mark(ErrUnauthorized, err, "check the user and its token or certificate in the kubeconfig; they may have expired")
	case apierrors.IsForbidden(err):
		return mark(ErrForbidden, err,
			"grant the account list and watch on the types to be saved, and get on the namespace kube-system, by a ClusterRole")
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &hostname):
		return mark(ErrCertificate, err, "check certificate-authority-data and server in the kubeconfig; they may belong to another cluster")
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return mark(ErrUnreachable, err, "the server does not speak TLS; check the address and https:// in the kubeconfig")
	case isConnection(err):
		return mark(ErrUnreachable, err, "check the server address in the kubeconfig and that the API server is running")
	default:
		return err
	}
}

func mark(sentinel, err error, hint string) error {
	return appbur.WithHint(fmt.Errorf("%w: %w", sentinel, err), hint)
}

// isConnection distinguishes failures of the connection from answers of the server.
func isConnection(err error) bool {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return false
	}
	var network net.Error
	// Two HTTP/2 clients may be at work, that of golang.org/x/net and that of the
	// standard library; errors of the latter can be read as those of the former.
	var stream http2.StreamError
	return errors.As(err, &network) || errors.As(err, &stream) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err)
}

// isDead reports whether a connection ended because the other side said nothing any more, not because it ended it.
func isDead(err error) bool { return utilnet.IsHTTP2ConnectionLost(err) || deadpeer.Gone(err) }

// isGarbled reports whether an answer arrived and was no list.
func isGarbled(err error) bool { return errors.Is(err, errGarbled) }

// isExpired reports whether a continue token or a resourceVersion is too old.
func isExpired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

// isPassing reports whether the same request may succeed a little later.
func isPassing(err error) bool {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code := status.Status().Code
		return code == 429 || code >= 500 && code != 501
	}
	var verify *tls.CertificateVerificationError
	if isGarbled(err) {
		return true
	}
	return isConnection(err) && !errors.As(err, &verify) && !errors.Is(err, context.Canceled)
}
