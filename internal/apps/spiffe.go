package apps

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// SPIFFEID names a workload, such as spiffe://example.org/ns/fleet-system/sa/fleet. It is made by [ParseSPIFFEID]; the
// zero value names none.
type SPIFFEID struct{ text string }

// longestSPIFFEID is the bound of the SPIFFE ID standard (SPIFFE-ID.md, 2.3), in bytes.
const longestSPIFFEID = 2048

// ParseSPIFFEID reads a SPIFFE ID as the standard has it (SPIFFE-ID.md, 2): a trust domain in lower case, and a path
// without empty or relative parts.
func ParseSPIFFEID(text string) (SPIFFEID, error) {
	wrong := func(why string) error { return fmt.Errorf("%q is no SPIFFE ID: %s", text, why) }
	rest, ok := strings.CutPrefix(text, "spiffe://")
	domain, path, _ := strings.Cut(rest, "/")
	switch {
	case !ok:
		return SPIFFEID{}, wrong("it does not begin with spiffe://")
	case len(text) > longestSPIFFEID:
		return SPIFFEID{}, wrong("it is too long")
	case domain == "" || strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "":
		return SPIFFEID{}, wrong("its trust domain is not made of lower-case letters, digits, dots, dashes and underscores")
	case path == "":
		return SPIFFEID{}, wrong("it names a trust domain, and no workload")
	}

	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return SPIFFEID{}, wrong("a part of its path is empty or relative")
		}
		if strings.IndexFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
		}) >= 0 {
			return SPIFFEID{}, wrong("its path is not made of letters, digits, dots, dashes and underscores")
		}
	}
	return SPIFFEID{text}, nil
}

// String returns spiffe://TRUST-DOMAIN/PATH, "" for none.
func (id SPIFFEID) String() string { return id.text }

// secure has a connection trust whoever shows a certificate for the id, whatever host it is for.
func (id SPIFFEID) secure(config *tls.Config) {
	roots := config.RootCAs
	config.InsecureSkipVerify = true //nolint:gosec // the names of hosts are not looked at; VerifyConnection checks all else
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the application shows no certificate")
		}
		leaf, between := state.PeerCertificates[0], x509.NewCertPool()
		for _, certificate := range state.PeerCertificates[1:] {
			between.AddCert(certificate)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between}); err != nil {
			return err
		}
		return id.isOf(leaf)
	}
}

// isOf demands that a certificate is that of the id: it has one URI (X509-SVID.md, 2), and that is it.
func (id SPIFFEID) isOf(leaf *x509.Certificate) error {
	shown := make([]string, len(leaf.URIs))
	for i, uri := range leaf.URIs {
		shown[i] = uri.String()
	}
	if len(shown) == 1 && shown[0] == id.text {
		return nil
	}
	return fmt.Errorf("its certificate is for %q, and not for %s", shown, id)
}
