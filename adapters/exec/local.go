package exec

import (
	"context"
	"errors"
	"fmt"
	osexec "os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// processes runs commands as processes of this machine.
type processes struct{}

var _ Runner = processes{}

// stopTimeout is how long a command may take after it was asked to stop.
const stopTimeout = 5 * time.Second

// Run runs the command in a process group of its own, which is ended as a whole.
func (processes) Run(ctx context.Context, c Call) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, tooLong(c.Timeout))
	defer cancel()
	argv, env := c.Filled(c.Path)
	process := osexec.CommandContext(ctx, argv[0], argv[1:]...)
	process.Dir, process.Env = c.Dir, env
	process.Stdin, process.Stdout, process.Stderr = c.Stdin, c.Stdout, c.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
	process.WaitDelay = stopTimeout

	err := process.Run()
	if process.Process != nil && ctx.Err() != nil {
		// The leader has ended; what it left behind has not listened. That there is
		// nothing left is the usual answer.
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
	}
	if err == nil {
		return nil
	}

	f := &Failure{Cause: err}
	name := filepath.Base(argv[0])
	if ctx.Err() != nil {
		return Stopped(name, context.Cause(ctx))
	}
	f.explain(name, c.Dir)
	return f
}

func tooLong(limit time.Duration) error { return fmt.Errorf("it did not end within %s", limit) }

// Stopped is the failure of a command that was ended before its own end.
func Stopped(name string, cause error) *Failure {
	return &Failure{
		Ended: fmt.Sprintf("%s was ended: %v", name, cause), Cause: cause,
		Hint: "if it needs longer, raise timeout: of the command in the configuration",
	}
}

// Rest runs the two commands. Nobody runs release when this process dies in between.
func (p processes) Rest(ctx context.Context, quiesce, release Call) (Rest, error) {
	rest := localRest{p, release}
	if err := p.Run(ctx, quiesce); err != nil {
		return nil, errors.Join(err, rest.End(context.WithoutCancel(ctx)))
	}
	return rest, nil
}

type localRest struct {
	processes
	release Call
}

// Held implements [Rest]: nothing here ends a rest by itself.
func (localRest) Held(context.Context) error { return nil }

// End implements [Rest].
func (r localRest) End(ctx context.Context) error { return r.Run(ctx, r.release) }
