//go:build unix

package main

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// stopGrace is what a process gets to end in order after it was asked to.
const stopGrace = 5 * time.Second

// starter starts every process from one thread that lives as long as the demo
// does: the kernel sends the parent-death signal when the thread that forked
// ends, and Go ends threads as it sees fit.
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

// process is a program that the demo runs, in a process group of its own: Ctrl-C
// on the terminal reaches the demo alone, which then ends the group.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended and err is set
	err   error
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop asks the complete group to end, then makes it. It returns when the process
// is gone, and may be called twice.
func (p *process) stop() {
	if p == nil {
		return
	}

	group := -p.cmd.Process.Pid
	select {
	case <-p.ended:
	default:
		_ = syscall.Kill(group, syscall.SIGINT)
		timer := time.NewTimer(stopGrace)
		defer timer.Stop()
		select {
		case <-p.ended:
		case <-timer.C:
		}
	}

	// Whatever of the group outlived its leader, or the leader itself.
	for {
		err := syscall.Kill(group, syscall.SIGKILL)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}

	<-p.ended
}

// exitCode of a process that has ended; -1 when a signal ended it.
func (p *process) exitCode() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}
