package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// files reads certificates, and reads them again when a file has changed.
type files struct {
	o Options

	mu    sync.Mutex // guards what follows
	read  [3]stamp
	valid *material
}

// stamp tells versions of a file apart.
type stamp struct {
	changed time.Time
	size    int64
}

// material is what a connection is made with.
type material struct {
	certificate tls.Certificate
	authorities *x509.CertPool
}

// current returns what the files say. Files that are being replaced, and do not fit together, leave what was before.
func (f *files) current() (*material, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var now [3]stamp
	for i, path := range []string{f.o.Certificate, f.o.Key, f.o.ClientCA} {
		if info, err := os.Stat(path); err == nil {
			now[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	if f.valid != nil && now == f.read {
		return f.valid, nil
	}

	valid, err := load(f.o)
	switch {
	case err == nil:
		f.valid, f.read = valid, now
	case f.valid == nil:
		return nil, err
	default:
		f.o.Log.Warn("the certificates for audit events have changed and cannot be read; the old ones are used", "reason", err.Error())
	}
	return f.valid, nil
}

func load(o Options) (*material, error) {
	certificate, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate to receive audit events with: %w", err)
	}
	text, err := os.ReadFile(o.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("the authority of those who send audit events: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the authority of those who send audit events: no certificate is in %s", o.ClientCA)
	}
	return &material{certificate: certificate, authorities: authorities}, nil
}

// errName refuses a certificate of the authority that has another name.
var errName = errors.New("the certificate has none of the names that may send audit events")

// heard demands one of the names, where names are given. Resumed connections are checked as well.
func (r *Receiver) heard(state tls.ConnectionState) error {
	if len(r.o.Names) == 0 {
		return nil
	}
	if len(state.PeerCertificates) == 0 {
		return errName
	}
	certificate := state.PeerCertificates[0]
	names := append([]string{certificate.Subject.CommonName}, certificate.DNSNames...)
	for _, uri := range certificate.URIs {
		names = append(names, uri.String())
	}

	if !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(r.o.Names, name) }) {
		r.o.Log.Warn("audit events were refused", "reason", errName.Error(), "name", certificate.Subject.CommonName)
		return errName
	}
	return nil
}
