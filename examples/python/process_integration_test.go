//go:build integration

package python_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// process is one running notes over files that outlive it.
type process struct {
	classes, dir string
	command      *exec.Cmd
	stdin        io.WriteCloser
	stdout       *bufio.Reader
	// stderr is everything that was said, over all starts.
	stderr  bytes.Buffer
	written int
}

func (p *process) state() string   { return filepath.Join(p.dir, "notes.json") }
func (p *process) slow() string    { return filepath.Join(p.dir, "notes.slow") }
func (p *process) address() string { return "unix://" + filepath.Join(p.dir, "s") }

// start runs the program, over what a former one left.
func (p *process) start(ctx context.Context) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}

	// Its life is not bounded by the context of its start.
	p.command = exec.CommandContext(context.WithoutCancel(ctx), interpreter, "testdata/slow.py", "--state", p.state(), "--contract",
		p.address(), "--type")
	p.command.Env = append(os.Environ(), "PYTHONPATH="+p.classes+":"+here, "PYTHONDONTWRITEBYTECODE=1")
	p.command.Stderr = &p.stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}

	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.says("ready " + p.address()); err != nil {
		return errors.Join(err, p.kill(ctx))
	}
	return nil
}

func (p *process) says(want string) error {
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		return fmt.Errorf("the program said %q: %w", line, err)
	}
	if got := strings.TrimSpace(line); got != want {
		return fmt.Errorf("the program said %q, want %q", got, want)
	}
	return nil
}

// timeout is how long a program that was asked to end may take.
const timeout = time.Minute

// end sends a signal and waits. A program that was asked to end says so by exit
// code 0, one that was killed cannot.
func (p *process) end(signal syscall.Signal) error {
	if p.command == nil {
		return nil
	}
	process := p.command.Process
	err := process.Signal(signal)
	late := time.AfterFunc(timeout, func() { _ = process.Kill() })
	ended := p.command.Wait()
	if !late.Stop() {
		ended = fmt.Errorf("it had not ended after %s: %w", timeout, ended)
	}
	p.command = nil
	if signal == syscall.SIGKILL {
		ended = nil
	}
	if err := errors.Join(err, ended); err != nil {
		return fmt.Errorf("the program did not end well: %w\n%s", err, &p.stderr)
	}
	return nil
}

func (p *process) kill(context.Context) error      { return p.end(syscall.SIGKILL) }
func (p *process) terminate(context.Context) error { return p.end(syscall.SIGTERM) }

// stop ends the program in good order. What protobuf prints about damaged messages
// is no failure; an error that the program did not expect leaves a traceback.
func (p *process) stop() error {
	if err := p.end(syscall.SIGTERM); err != nil {
		return err
	}
	if bytes.Contains(p.stderr.Bytes(), []byte("Traceback")) {
		return fmt.Errorf("the program said %s", &p.stderr)
	}
	return nil
}

// write types a title.
func (p *process) write(context.Context) error {
	p.written++
	title := fmt.Sprintf("typed %d", p.written)
	if _, err := fmt.Fprintln(p.stdin, title); err != nil {
		return err
	}
	return p.says("written " + title)
}

func (p *process) slower(_ context.Context, atLeast time.Duration) error {
	if atLeast == 0 {
		return os.Remove(p.slow())
	}
	return os.WriteFile(p.slow(), []byte(strconv.FormatFloat(atLeast.Seconds(), 'f', -1, 64)), 0o600)
}

func (p *process) logs() (string, error) { return p.stderr.String(), nil }

// resources counts the open files of the program.
func (p *process) resources() (map[string]int, error) {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.command.Process.Pid))
	return map[string]int{"open files": len(files)}, err
}

// start runs notes over a state of that many notes until the instance is stopped.
func start(ctx context.Context, classes, dir string, notes int) (*contracttest.Instance, error) {
	p := &process{classes: classes, dir: dir}
	if notes > 0 {
		if err := os.WriteFile(p.state(), seeded(notes), 0o600); err != nil {
			return nil, err
		}
	}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return &contracttest.Instance{
		Address: p.address(), Kill: p.kill, Terminate: p.terminate, Restart: p.start, Mutate: p.write, Slow: p.slower,
		Logs: p.logs, Resources: p.resources, Stop: p.stop,
	}, nil
}

// seeded is the file of the program with so many notes in it.
func seeded(n int) []byte {
	type note struct {
		Title string `json:"title"`
		Book  string `json:"book"`
		Text  string `json:"text"`
		Done  bool   `json:"done"`
	}
	notes := []note{{"Über \"appbur\" <&>", "errands", "\u2028\u0001", true}}
	for i := range n {
		notes = append(notes, note{fmt.Sprintf("note %06d", i), "errands", strings.Repeat("eggs and milk ", 8), i%2 == 0})
	}
	data, err := json.Marshal(map[string]any{
		"results": map[string]any{},
		"state":   map[string]any{"books": []any{map[string]any{"name": "errands"}, map[string]any{"name": "ideas"}}, "notes": notes},
	})
	if err != nil {
		panic(err) // text and truth values always have a JSON form
	}
	return data
}
