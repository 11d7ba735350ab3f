//go:build unix

package controlplane

import (
	"os/exec"
	"time"
)

// Program is another program that lives no longer than who started it, as the servers of a cluster do: an instance of an
// application that a cluster is restored beside.
type Program struct{ process *process }

// StartProgram runs a command whose output is appended to a log file. The command has a process group of its own, which
// [Program.Stop] ends; when this process is killed, the Linux kernel ends the command, and not what the command started.
func StartProgram(name, log string, cmd *exec.Cmd) (*Program, error) {
	p, err := startCommand(name, log, cmd)
	if err != nil {
		return nil, err
	}
	return &Program{p}, nil
}

// Exited returns an [*ExitError] if the program has ended.
func (p *Program) Exited() error { return p.process.exited() }

// LogTail is the end of its output.
func (p *Program) LogTail() string {
	text, err := tail(p.process.log, tailBytes)
	if err != nil {
		return ""
	}
	return text
}

// Stop ends the program and what it has started, and waits until it is gone. It may be called twice.
func (p *Program) Stop(grace time.Duration) { p.process.stop(grace) }

// Ended is closed when the program has ended.
func (p *Program) Ended() <-chan struct{} { return p.process.ended }

// ExitCode is how it ended, -1 by a signal.
func (p *Program) ExitCode() int {
	<-p.process.ended
	return p.process.cmd.ProcessState.ExitCode()
}
