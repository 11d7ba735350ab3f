//go:build integration && linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestInterruptLeavesNothing ends the demo while the old cluster, the application
// and a command run, and looks for processes that are left.
func TestInterruptLeavesNothing(t *testing.T) {
	demo := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", demo, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the demo: %v\n%s", err, out)
	}

	tests := []struct {
		name   string
		signal syscall.Signal
		code   int
	}{
		{"Ctrl-C", syscall.SIGINT, exitCancelled},
		{"a closed terminal", syscall.SIGHUP, exitCancelled},
		{"a crash", syscall.SIGKILL, -1},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The marker is in the command line of every process of this demo.
			marker, err := os.MkdirTemp("", "appbur-interrupt-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(marker) })
			bin := filepath.Join(marker, "bin")
			if err := os.Mkdir(bin, 0o700); err != nil {
				t.Fatal(err)
			}
			for name, script := range map[string]string{
				"fleet-v1": "echo $$ > " + marker + "/fleet; echo ready; exec sleep 1000",
				"fleet-v2": "exit 1",
				"appbur":   `sleep 1000 & echo $! > ` + marker + `/command; wait`,
			} {
				if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			// A file, because whatever held a pipe open would keep the test waiting.
			out, err := os.Create(filepath.Join(marker, "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			said := func() string { text, _ := os.ReadFile(out.Name()); return string(text) }
			cmd := exec.Command(demo, "-bin", bin, "-dir", filepath.Join(marker, "d"))
			cmd.Dir = "../.." // where the pins of the servers are found
			cmd.Env = append(os.Environ(), "TMPDIR="+marker)
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { _ = cmd.Wait(); close(ended) }()
			poll(t, "the demo to be in its middle", func() bool {
				select {
				case <-ended:
					t.Fatalf("the demo ended by itself:\n%s", said())
				default:
				}
				_, err := os.Stat(filepath.Join(marker, "command"))
				return err == nil
			})
			sleeper := waitForPID(t, filepath.Join(marker, "command"))
			application := waitForPID(t, filepath.Join(marker, "fleet"))
			if running := processesOf(t, marker); len(running) < 5 { // the demo, three servers, a command
				t.Errorf("only %d processes run: %q", len(running), running)
			}
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			<-ended
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, said())
			}
			poll(t, "all processes to end", func() bool { return len(processesOf(t, marker)) == 0 })
			waitUntilGone(t, application)
			if tt.signal != syscall.SIGKILL {
				// A crash can end only children; what scripts start is theirs to end.
				waitUntilGone(t, sleeper)
				return
			}
			_ = syscall.Kill(sleeper, syscall.SIGKILL)
		})
	}
}

// processesOf lists the processes whose command line names marker.
func processesOf(t *testing.T, marker string) []string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range lines {
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, []byte(marker)) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}
