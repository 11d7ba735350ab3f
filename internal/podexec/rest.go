package podexec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/appbur/appbur/adapters/exec"
)

// Rest implements [exec.Runner]: the container holds the rest, and ends it when this process is gone.
func (r Runner) Rest(ctx context.Context, quiesce, release exec.Call) (exec.Rest, error) {
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	renewal := r.Lease / 3
	argv := []string{
		r.Shell, "-c", script(resting), "appbur", token, seconds(r.Lease), strconv.FormatInt(int64(r.RestLimit/renewal)+1, 10), r.Shell,
		plain(listening), commandText(quiesce, ""), seconds(quiesce.Timeout), commandText(release, ""), seconds(release.Timeout),
	}
	from, to := io.Pipe()
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	said := &guardedWriter{to: quiesce.Stderr}
	s := &session{
		runner: r, token: token, release: release, to: to, cancel: cancel, said: said,
		lines: make(chan ending, 16), over: make(chan struct{}), stop: make(chan struct{}),
	}
	go func() {
		defer close(s.over)
		s.lost = r.Exec(own, argv, from, s, said)
		_ = from.Close() // nobody reads what is said any more
	}()

	if err := s.begin(ctx, quiesce); err != nil {
		return nil, err
	}
	go s.renew(renewal)
	return s, nil
}

// session is a conversation with the script that holds an application at rest.
type session struct {
	runner  Runner
	token   string
	release exec.Call
	to      *io.PipeWriter
	said    *guardedWriter
	cancel  context.CancelFunc
	// lines are what the script says, over is closed when it says no more; lost is why.
	lines chan ending
	over  chan struct{}
	lost  error

	mu   sync.Mutex // of writing
	held []byte
	// alone says that the container was heard to have ended the rest.
	alone bool
	// stop ends the renewals.
	stop   chan struct{}
	hushed sync.Once
}

// hush ends the renewals.
func (s *session) hush() { s.hushed.Do(func() { close(s.stop) }) }

// Write takes what the script says.
func (s *session) Write(b []byte) (int, error) {
	s.held = append(s.held, b...)
	for {
		i := bytes.IndexByte(s.held, '\n')
		if i < 0 {
			break
		}
		if line, ok := parseLine(s.token, s.held[:i+1]); ok {
			select {
			case s.lines <- line:
			default: // nobody listens, and a lost answer is none
			}
		}
		s.held = s.held[i+1:]
	}
	if len(s.held) > lineLength {
		s.held = s.held[:0]
	}
	return len(b), nil
}

// tell says a word to the script, and gives up with ctx.
func (s *session) tell(ctx context.Context, word string) error {
	done := make(chan error, 1)
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, err := io.WriteString(s.to, word+"\n")
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next is the next word of the script.
func (s *session) next(ctx context.Context) (ending, bool) {
	select {
	case line := <-s.lines:
		return line, true
	case <-ctx.Done():
		return ending{}, false
	case <-s.over:
	}
	select { // what came before the end
	case line := <-s.lines:
		return line, true
	default:
		return ending{}, false
	}
}

// begin waits until the quiesce command has ended.
func (s *session) begin(ctx context.Context, quiesce exec.Call) error {
	limited, cancel := context.WithTimeout(ctx, quiesce.Timeout+grace)
	defer cancel()
	line, said := s.next(limited)
	name := nameOf(quiesce)
	if said && line.word == wordRests {
		return nil
	}
	defer s.hangUp()

	if !said {
		if ctx.Err() != nil {
			return exec.Stopped(name, context.Cause(ctx))
		}
		s.hangUp()
		<-s.over
		if failed := neverRan(name, s.runner.String(), s.lost); failed != nil {
			return failed
		}
		return s.runner.cutOff(quiesce, s.lost)
	}
	limited, cancel = context.WithTimeout(context.WithoutCancel(ctx), s.release.Timeout+grace)
	defer cancel()
	_, _ = s.next(limited) // of release: the failure of the first command is what is told
	if line.word == wordQTime {
		return exec.Stopped(name, fmt.Errorf("it did not end within %s", quiesce.Timeout))
	}
	return exited(name, s.runner.String(), line.code, quiesce.Shell)
}

// hangUp ends the connection; the container has the application go on.
func (s *session) hangUp() {
	_ = s.to.Close()
	s.cancel()
	s.said.close()
}

// renew tells the container again and again that somebody is there.
func (s *session) renew(interval time.Duration) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			ctx, cancel := context.WithTimeout(context.Background(), interval)
			_ = s.tell(ctx, "rest") // one that is not heard is noticed by Held, and by the container
			cancel()
		case <-s.stop:
			return
		case <-s.over:
			return
		}
	}
}

// Held implements [exec.Rest]: the container itself says so.
func (s *session) Held(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.runner.Lease)
	defer cancel()
	err := s.tell(limited, "look")
	for err == nil {
		line, said := s.next(limited)
		switch {
		case said && line.word == wordStill:
			return nil
		case said && line.word == wordAlone:
			return s.wentOn(line.code)
		case !said:
			return s.unheard(s.why(limited))
		}
	}
	return s.unheard(err)
}

// why is why the script says nothing.
func (s *session) why(ctx context.Context) error {
	select {
	case <-s.over:
		return s.lost
	default:
		return context.Cause(ctx)
	}
}

// End implements [exec.Rest].
func (s *session) End(ctx context.Context) error {
	s.hush()
	defer s.hangUp()
	if s.alone {
		return s.unheard(errors.New("it had gone on by itself"))
	}
	limited, cancel := context.WithTimeout(ctx, s.release.Timeout+grace)
	defer cancel()
	if err := s.tell(limited, "end"); err != nil {
		return s.unheard(err)
	}
	for {
		line, said := s.next(limited)
		switch {
		case !said:
			return s.unheard(s.why(limited))
		case line.word == wordAlone:
			return s.wentOn(line.code)
		case line.word == wordEnded || line.word == wordLimit:
			return s.runner.outcome(s.release, line)
		}
	}
}

// wentOn is the failure of a rest that the container has ended.
func (s *session) wentOn(how int) error {
	s.alone = true
	why := "nothing was heard of appbur for " + s.runner.Lease.String()
	switch how {
	case 1:
		why = "the connection ended"
	case 3:
		why = "it had rested for " + s.runner.RestLimit.String()
	}
	return &exec.Failure{
		Ended: fmt.Sprintf("%s ran the release command by itself, because %s", s.runner, why),
		Hint:  "if exports need longer, raise lease: or restLimit: of in:",
	}
}

// unheard is the failure of a rest of which nothing is known.
func (s *session) unheard(err error) error {
	return &exec.Failure{
		Ended: fmt.Sprintf("the connection to %s was lost while it rested; it runs the release command by itself within %s (%v)",
			s.runner, s.runner.Lease, err),
		Cause: err, Hint: "look at the pod, its node and the API server",
	}
}
