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
	// ExportLease is how long after a broken stream an export can be resumed; its
	// bytes stay in the spool until then. Zero means 5 minutes, a negative value
	// that nothing is kept.
	ExportLease time.Duration
	// ImportLease is how long after a broken stream the bytes of an import are kept
	// that were received. Zero means 15 minutes, a negative value that nothing is
	// kept.
	ImportLease time.Duration
	// ImportIdle is how long the stream of an import may say nothing while another
	// import wants to begin. Then it gives way; what arrived is kept for ImportLease.
	// Zero means 2 minutes, a negative value that it never gives way.
	ImportIdle time.Duration
	// MaxExports is how many exports may run or wait for a resume at the same time,
	// and besides them how many calls of Verify may run. Zero means 4.
	MaxExports int
	// MaxRowBytes is the longest row that is exported or imported, in canonical form
	// without its line feed. It bounds the memory that one operation takes. Zero
	// means 64 MiB, which is also the most.
	MaxRowBytes int64
	// MaxPayloadBytes is the longest payload of one dataset that an import takes.
	// Zero means 1 TiB.
	MaxPayloadBytes int64
	// Heartbeat is how long a stream is silent at most. Zero means 10 seconds; more
	// than 15 are refused by NewServer, because callers and proxies rely on them.
	Heartbeat time.Duration
	// TLS secures TCP listeners. Set ClientAuth and ClientCAs for mutual TLS.
	// Versions before 1.2 are never spoken.
	TLS *tls.Config
	// Insecure allows TCP without TLS. Unix sockets never need it. With a Guard it
	// is refused.
	Insecure bool
	// Guard finds out who calls and what they may do. When it is nil, everybody may
	// do everything who can connect: with a certificate of ClientCAs over TCP, or
	// with the rights of the owner of a unix socket.
	Guard Guard
	// Reflection shows callers the protocol, for tools such as grpcurl. With a Guard
	// it needs any right.
	Reflection bool
	// ShutdownGrace is how long calls and imports that run may go on after the server
	// was asked to stop. Then calls are cut off and imports are cancelled and rolled
	// back. Zero means 30 seconds, a negative value that they are cut off at once.
	// Choose it shorter than what ends the process, in Kubernetes
	// terminationGracePeriodSeconds.
	ShutdownGrace time.Duration
	// Now is the clock that stamps snapshots; nil means time.Now.
	Now func() time.Time
	// Rand names instances and snapshots; nil means crypto/rand.
	Rand io.Reader
	// Metrics counts what is served, one for each server; nil counts nothing. The package
	// metrics has one for Prometheus.
	Metrics Metrics
	// Log receives every call at level debug, and what callers must not see, such as
	// stack traces; nil discards. Rows are never logged, see [Redact], nor is what the
	// application says about sensitive datasets.
	Log *slog.Logger
}

// The defaults. A lease outlives the restart of a load balancer and a laptop that
// slept through a coffee; a result outlives a weekend without a retry only if
// SpoolDir keeps it.
const (
	defaultExportLease = 5 * time.Minute
	defaultImportLease = 15 * time.Minute
	defaultImportIdle  = 2 * time.Minute
	defaultMaxExports  = 4
	defaultHeartbeat   = 10 * time.Second
	longestHeartbeat   = 15 * time.Second
	defaultMaxPayload  = 1 << 40
	defaultGrace       = 30 * time.Second
)

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // authors of applications need not name a clock; tests do
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}

	if o.ExportLease == 0 {
		o.ExportLease = defaultExportLease
	}
	if o.ImportLease == 0 {
		o.ImportLease = defaultImportLease
	}
	if o.ImportIdle == 0 {
		o.ImportIdle = defaultImportIdle
	}

	if o.Heartbeat <= 0 {
		o.Heartbeat = defaultHeartbeat
	}
	if o.MaxExports <= 0 {
		o.MaxExports = defaultMaxExports
	}
	if o.MaxRowBytes <= 0 || o.MaxRowBytes > maxRowSize {
		o.MaxRowBytes = maxRowSize
	}

	if o.MaxPayloadBytes <= 0 {
		o.MaxPayloadBytes = defaultMaxPayload
	}
	if o.ShutdownGrace == 0 {
		o.ShutdownGrace = defaultGrace
	}
	if o.Metrics == nil {
		o.Metrics = uncounted{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
