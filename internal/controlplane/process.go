//go:build unix

package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is one running server.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string        // path of the file that holds its output
	ended chan struct{} // closed when it has ended and was waited for
}

// starter starts every server of this process from one thread that lives as
// long as the process does. The kernel sends the parent-death signal when the
// *thread* that forked ends, and Go ends threads as it sees fit.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// startProcess runs a server whose output is appended to <dir>/<name>.log.
func startProcess(dir, name, binary string, args ...string) (*process, error) {
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	return startCommand(name, filepath.Join(dir, name+".log"), cmd)
}

// startCommand runs a program whose output is appended to a log.
func startCommand(name, logFile string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, log: logFile, cmd: cmd, ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = log.Close() }() // the server has its own
	p.cmd.Stdout, p.cmd.Stderr = log, log

	p.cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	starter() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // the state is read from cmd.ProcessState
		close(p.ended)
	}()
	return p, nil
}

// exited returns an error if the server has ended, which it never should of
// its own accord.
func (p *process) exited() error {
	select {
	case <-p.ended:
		return &ExitError{Program: p.name, State: p.cmd.ProcessState.String(), Log: p.log}
	default:
		return nil
	}
}

// stop asks the server to end, waits for at most grace, then kills it and what it
// has started. With no grace it is killed at once. It returns when the process is gone.
func (p *process) stop(grace time.Duration) {
	if p == nil {
		return
	}
	if grace > 0 && p.exited() == nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.ended:
		case <-timer.C:
		}
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the group: whatever outlived its leader as well
	<-p.ended
}

// ExitError says that a server ended on its own.
type ExitError struct {
	Program string
	State   string // as os.ProcessState puts it
	Log     string // path of its log
}

// Error names the server and how it ended.
func (e *ExitError) Error() string {
	return fmt.Sprintf("%s ended (%s); its log is %s", e.Program, e.State, e.Log)
}

// pollInterval is the time between two looks at whether a server is ready.
const pollInterval = 50 * time.Millisecond

// await calls ready until it returns nil, until one of the servers has ended,
// or until ctx is done. The error then carries what ready said last.
func await(ctx context.Context, what string, servers []*process, ready func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		last := ready(ctx)
		if last == nil {
			return nil
		}
		for _, p := range servers {
			if err := p.exited(); err != nil {
				return fmt.Errorf("wait for %s: %w", what, err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; last answer: %w", what, ctx.Err(), last)
		case <-ticker.C:
		}
	}
}
