//go:build unix

package controlplane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() {
	helpers["sleepers"] = func() ([]int, error) {
		var pids []int
		for i := range 3 {
			p, err := startProcess(os.TempDir(), fmt.Sprintf("appbur-sleeper-%d-%d", os.Getpid(), i), "sleep", "600")
			if err != nil {
				return nil, err
			}
			_ = os.Remove(p.log)
			pids = append(pids, p.cmd.Process.Pid)
		}
		return pids, nil
	}
}

// startHelper runs the test binary as a helper and returns what it started.
func startHelper(t *testing.T, name string) (helper *exec.Cmd, pids []int) {
	t.Helper()
	helper = exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperVariable+"="+name, "TMPDIR="+t.TempDir())
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = helper.Process.Kill() })

	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "started" {
			return helper, pids
		}
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("helper said %q", lines.Text())
		}
		pids = append(pids, pid)
	}

	t.Fatalf("helper %s ended before it was ready", name)
	return nil, nil
}

// gone reports whether a process has ended. One that nobody has waited for yet,
// a zombie, has.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

func killAndExpectNothingLeft(t *testing.T, helper *exec.Cmd, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if gone(pid) {
			t.Fatalf("process %d does not run while its parent lives", pid)
		}
	}

	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	for _, pid := range pids {
		err := await(ctx, fmt.Sprintf("process %d to end", pid), nil, func(context.Context) error {
			if gone(pid) {
				return nil
			}
			return errors.New("it runs")
		})
		if err != nil {
			t.Error(err)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func TestServersEndWhenTheirParentIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Logf("%s cannot tie a child's life to its parent's, as doc.go says", runtime.GOOS)
		return
	}
	helper, pids := startHelper(t, "sleepers")
	if len(pids) != 3 {
		t.Fatalf("helper started %d processes, want 3", len(pids))
	}
	killAndExpectNothingLeft(t, helper, pids)
}

func TestServersOutliveTheGoroutineThatStartedThem(t *testing.T) {
	started := make(chan *process)
	go func() {
		// The thread of a goroutine that ends locked ends with it.
		runtime.LockOSThread()
		p, err := startProcess(t.TempDir(), "sleeper", "sleep", "600")
		if err != nil {
			t.Error(err)
		}
		started <- p
	}()

	p := <-started
	if p == nil {
		t.FailNow()
	}
	defer p.stop(0)

	select {
	case <-p.ended:
		t.Fatalf("the server ended with the thread of its caller: %v", p.exited())
	case <-time.After(300 * time.Millisecond):
	}
}

func TestServersHaveTheirOwnProcessGroup(t *testing.T) {
	p, err := startProcess(t.TempDir(), "sleeper", "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop(0)
	group, err := syscall.Getpgid(p.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if group != p.cmd.Process.Pid || group == syscall.Getpgrp() {
		t.Errorf("process %d is in group %d, the test in %d", p.cmd.Process.Pid, group, syscall.Getpgrp())
	}
}

func TestStopKillsAServerThatWillNotEnd(t *testing.T) {
	dir := t.TempDir()
	p, err := startProcess(dir, "deaf", "sh", "-c", `trap "" TERM; echo deaf; while :; do sleep 1; done`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	if err := await(ctx, "the trap", []*process{p}, func(context.Context) error {
		if text, _ := tail(filepath.Join(dir, "deaf.log"), 100); text != "deaf" {
			return errors.New("not set")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	p.stop(50 * time.Millisecond)
	if p.exited() == nil {
		t.Error("it still runs")
	}
	p.stop(time.Minute) // of one that has ended returns at once
	(*process)(nil).stop(time.Minute)
}

func TestAwaitReportsAServerThatEnded(t *testing.T) {
	p, err := startProcess(t.TempDir(), "short", "sh", "-c", "echo no such flag >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = await(t.Context(), "short", []*process{p}, func(context.Context) error { return errors.New("connection refused") })
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Program != "short" || !strings.Contains(exit.State, "3") {
		t.Fatalf("await = %v, want an ExitError of status 3", err)
	}
	if text, err := tail(exit.Log, 100); err != nil || text != "no such flag" {
		t.Errorf("log = %q, %v", text, err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	last := errors.New("connection refused")
	err := await(ctx, "nothing", nil, func(context.Context) error { return last })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, last) {
		t.Errorf("await = %v, want the deadline and the last answer", err)
	}
}
