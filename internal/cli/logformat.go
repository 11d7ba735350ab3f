package cli

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/appbur/appbur/internal/configuration"
)

// logFormat is a [slog.Handler] whose format can change while it is in use, also that of loggers that were derived from
// it before.
type logFormat struct {
	json        *atomic.Bool
	text, lines slog.Handler
}

// newLogFormat returns a handler that writes text to out until [logFormat.set] says something else.
func newLogFormat(out io.Writer) logFormat {
	one := &lockedWriter{out: out}
	return logFormat{new(atomic.Bool), slog.NewTextHandler(one, nil), slog.NewJSONHandler(one, nil)}
}

func (f logFormat) set(format configuration.LogFormat) { f.json.Store(format == configuration.LogJSON) }

func (f logFormat) current() slog.Handler {
	if f.json.Load() {
		return f.lines
	}
	return f.text
}

// Enabled implements [slog.Handler].
func (f logFormat) Enabled(ctx context.Context, level slog.Level) bool {
	return f.current().Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (f logFormat) Handle(ctx context.Context, record slog.Record) error {
	return f.current().Handle(ctx, record)
}

// WithAttrs implements [slog.Handler].
func (f logFormat) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logFormat{f.json, f.text.WithAttrs(attrs), f.lines.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (f logFormat) WithGroup(name string) slog.Handler {
	return logFormat{f.json, f.text.WithGroup(name), f.lines.WithGroup(name)}
}

// lockedWriter keeps lines of both formats apart: each handler has a lock of its own only.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

// Write implements [io.Writer].
func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}
