package transport

import (
	"context"
	"errors"
	"io"
	"time"
)

// errSilent means that the peer did nothing for too long.
var errSilent = errors.New("the peer has been silent for too long")

// watchdog ends a context when nothing has moved for a while, in either direction.
// It measures progress and not the total: a slow transfer of hours is fine.
type watchdog struct {
	silence time.Duration
	timer   *time.Timer
	cancel  context.CancelCauseFunc
}

// watch returns a context that the watchdog ends, and its end. The caller calls
// stop when the session is over.
func watch(ctx context.Context, silence time.Duration) (context.Context, *watchdog, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{silence: silence, cancel: cancel, timer: time.AfterFunc(silence, func() { cancel(errSilent) })}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

// touch notes that something moved.
func (w *watchdog) touch() { w.timer.Reset(w.silence) }

// rest stops the clock while this side works.
func (w *watchdog) rest() { w.timer.Stop() }

// dead ends the context at once, because the kernel says that nobody is there any more.
func (w *watchdog) dead() { w.cancel(errSilent) }

// reader touches the watchdog with every byte.
func (w *watchdog) reader(r io.Reader) io.Reader {
	return readFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		if n > 0 {
			w.touch()
		}
		return n, err
	})
}

// writer touches the watchdog with every byte that the peer has taken.
func (w *watchdog) writer(out io.Writer) io.Writer {
	return writeFunc(func(b []byte) (int, error) {
		n, err := out.Write(b)
		if n > 0 {
			w.touch()
		}
		return n, err
	})
}

type readFunc func([]byte) (int, error)

// Read implements [io.Reader].
func (f readFunc) Read(b []byte) (int, error) { return f(b) }

type writeFunc func([]byte) (int, error)

// Write implements [io.Writer].
func (f writeFunc) Write(b []byte) (int, error) { return f(b) }
