//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// command is a command line of the story. It runs in the demo's directory, so
// that its paths are short and the audience can repeat it there.
type command struct {
	args []string
	// answers are the exit codes that the story expects, each with what there is
	// to say about it. None means that only 0 is expected.
	answers map[int]string
	// head and tail show only so many lines of the output; 0 means all.
	head, tail int
	// into is a file that receives the output, in the demo's directory unless its
	// path is absolute.
	into string
}

// run shows the command line, runs it, and lets the audience see its output as
// it comes.
func (s *stage) run(ctx context.Context, c command) error {
	line := quoteLine(c.args)
	var stdout io.Writer = s.out

	var captured bytes.Buffer
	switch {
	case c.head > 0:
		line += fmt.Sprintf(" | head -n %d", c.head)
		stdout = &captured
	case c.tail > 0:
		line += fmt.Sprintf(" | tail -n %d", c.tail)
		stdout = &captured
	case c.into != "":
		line += " > " + c.into
		file, err := os.Create(s.path(c.into))
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		stdout = file
	}

	s.command(line)
	code, err := s.exec(ctx, c.args, stdout, s.out)
	if err != nil {
		return err
	}
	_, _ = s.out.WriteString(excerpt(captured.String(), c.head, c.tail))

	remark, expected := c.answers[code]
	if !expected && (code != 0 || len(c.answers) > 0) {
		err := fmt.Errorf("`%s` ended with exit code %d", line, code)
		if c.args[0] == "appbur" {
			return appbur.WithHint(err, "what it said is above; what each code means is in docs/exit-codes.md")
		}
		return appbur.WithHint(err, "what it said is above")
	}

	if remark != "" {
		s.remark("Exit code %d: %s", code, remark)
	}
	return nil
}

// ask runs a command without showing it and returns what it printed. Only exit
// codes in ok, or 0, are no error.
func (s *stage) ask(ctx context.Context, ok []int, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	code, err := s.exec(ctx, args, &stdout, &stderr)
	if err != nil {
		return "", err
	}
	if code != 0 && !slices.Contains(ok, code) {
		return "", fmt.Errorf("`%s` ended with exit code %d: %s", quoteLine(args), code, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// askJSON is ask for commands that answer in JSON.
func (s *stage) askJSON(ctx context.Context, into any, ok []int, args ...string) error {
	text, err := s.ask(ctx, ok, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("`%s` printed something else than JSON: %w", quoteLine(args), err)
	}
	return nil
}

// exec runs a program to its end and returns its exit code.
func (s *stage) exec(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	cmd := exec.Command(s.program(args[0]), args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = s.environ
	cmd.Stdout, cmd.Stderr = stdout, stderr
	p, err := startProcess(cmd)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return 0, appbur.WithHint(err, "run `make build`, or name the directory of the programs with -bin")
	}
	if err != nil {
		return 0, err
	}
	select {
	case <-p.ended:
		return p.exitCode(), nil
	case <-ctx.Done():
		p.stop()
		return 0, ctx.Err()
	}
}

// program finds the demo's own programs in its bin directory and all others in
// the PATH.
func (s *stage) program(name string) string {
	if slices.Contains(programs, name) {
		return filepath.Join(s.bin, name)
	}
	return name
}

// programs are built by the Makefile.
var programs = []string{"appbur", "fleet-v1", "fleet-v2"}

// quoteLine writes a command line as one would type it.
func quoteLine(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		if arg == "" || strings.ContainsAny(arg, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		quoted[i] = arg
	}
	return strings.Join(quoted, " ")
}

// excerpt returns the first head or the last tail lines.
func excerpt(text string, head, tail int) string {
	lines := slices.Collect(strings.Lines(text))
	if head > 0 && len(lines) > head {
		lines = lines[:head]
	}
	if tail > 0 && len(lines) > tail {
		lines = lines[len(lines)-tail:]
	}
	return strings.Join(lines, "")
}
