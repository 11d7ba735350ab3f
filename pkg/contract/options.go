package contract

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"log/slog"
	"time"
)

// Options describe an application and how it is served. ID, Version and
// Datasets are required; everything else has a default.
type Options struct {
	// ID names the application for ever, for example "fleet" or
	// "registry.example.com": payloads of one ID are never imported into another.
	ID string
	// Version is the application's own version, for people and for the record.
	Version string
	// Datasets is the state, in any order.
	Datasets []Dataset
	// SpoolDir holds the bytes of a running import and the results of finished
	// ones, so that a retry after a restart gets the same answer. It is made when
	// it is missing and should belong to this application alone. When it is empty,
	// bytes go to the system's directory for temporary files and results are kept
	// in memory only.
	SpoolDir string
	// TLS secures TCP listeners. Set ClientAuth and ClientCAs for mutual TLS.
	TLS *tls.Config
	// Insecure allows TCP without TLS. Unix sockets never need it.
	Insecure bool
	// Now is the clock that stamps snapshots; nil means time.Now.
	Now func() time.Time
	// Rand names instances and snapshots; nil means crypto/rand.
	Rand io.Reader
	// Log receives what callers must not see, such as stack traces; nil discards.
	// Rows and messages about sensitive datasets are never logged.
	Log *slog.Logger
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // authors of applications need not name a clock; tests do
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
