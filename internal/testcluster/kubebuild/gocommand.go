//go:build unix

package kubebuild

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// interruptGrace is how long the go command may take to end its compilers and
// remove its work directory after an interrupt.
const interruptGrace = 10 * time.Second

// run executes the go command in dir and feeds what it says to the tracker.
func (b Builder) run(ctx context.Context, dir string, t *tracker, stdout io.Writer, args []string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdout = stdout
	// A process group of its own, so that compilers end with the go command.
	// The terminal's Ctrl-C no longer reaches it; the context does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = interruptGrace

	reader, writer := io.Pipe()
	cmd.Stderr = writer
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(reader)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
		// A line too long for the scanner must not block the compiler.
		_, _ = io.Copy(io.Discard, reader)
	}()
	if err := cmd.Start(); err != nil {
		_ = writer.Close()
		return fmt.Errorf("run go %s: %w", args[0], err)
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = writer.Close()
		ended <- err
	}()

	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for open := true; open; {
		var line string
		select {
		case line, open = <-lines:
			if open && t.line(line) {
				b.report(t.progress)
			}
		case <-ticker.C:
			b.report(t.progress)
		}
	}
	err := <-ended
	if ctx.Err() != nil {
		// Whatever of the group outlived its leader's orderly end.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, t.failure())
	}
	return nil
}
