package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Intake takes the events.
type Intake interface {
	Take(event []byte)
	Refuse(reason string)
	// Lose is told of a sender that vanished without a word.
	Lose()
}

// Options say who is heard, and how much.
type Options struct {
	// Certificate, Key and ClientCA are PEM files. They are read again when they change.
	Certificate, Key, ClientCA string
	// Names are the common names and alternative names of certificates that are heard; none is all of the authority.
	Names []string
	// Body is how large a batch may be, in bytes; 0 means 128 MiB. Event is how large one event may be; 0 means 16 MiB.
	Body, Event int64
	// Parallel is how many batches are read at the same time; 0 means 4.
	Parallel int
	// Wanted reports whether a batch that was taken in can be answered for; nil is always. One that cannot is sent again.
	Wanted func() bool
	// Log receives what is worth knowing; nil discards it.
	Log *slog.Logger
}

// Receiver receives audit events.
type Receiver struct {
	intake Intake
	o      Options
	places chan struct{}
	files  *files
	server *http.Server
}

// New returns a receiver that brings events to an intake.
func New(intake Intake, o Options) *Receiver {
	if o.Body <= 0 {
		o.Body = 128 << 20
	}
	if o.Event <= 0 {
		o.Event = 16 << 20
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Wanted == nil {
		o.Wanted = func() bool { return true }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}

	r := &Receiver{intake: intake, o: o, places: make(chan struct{}, o.Parallel), files: &files{o: o}}
	r.server = &http.Server{
		Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: r.configuration},
	}
	return r
}

// Check reads the files.
func (r *Receiver) Check() error {
	_, err := r.files.current()
	return err
}

// Serve answers at a listener until Close.
func (r *Receiver) Serve(listener net.Listener) error {
	if err := r.server.ServeTLS(noticing{listener, r}, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("receiving audit events: %w", err)
	}
	return nil
}

// closeWithin is how long batches that are being read may take when the receiver is closed.
const closeWithin = 2 * time.Second

// Close ends what is served. A batch that is not answered is sent again to whoever listens next.
func (r *Receiver) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close()
	}
}

// configuration is for one connection. HTTP/2 is not offered: an API server whose batch gets no answer for 30 s sends it
// again over the same HTTP/2 connection, dead or not, and over a new one of HTTP/1.1.
func (r *Receiver) configuration(*tls.ClientHelloInfo) (*tls.Config, error) {
	pair, err := r.files.current()
	if err != nil {
		r.o.Log.Error("the certificates for audit events cannot be read", "reason", err.Error())
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair.certificate},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pair.authorities, SessionTicketsDisabled: true,
		NextProtos: []string{"http/1.1"}, VerifyConnection: r.heard,
	}, nil
}
