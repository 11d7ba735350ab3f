package podexec

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur/adapters/exec"
)

// here is an [Executor] whose container is this machine. A connection to it can be cut: what was printed until then has
// arrived, and the program goes on, as it does in a container.
type here struct {
	shell []string // in place of /bin/sh
	mu    sync.Mutex
	cuts  []context.CancelFunc
	// refuse is the error of so many connections before one is made.
	refuse  error
	refuses int
	runs    int
}

var errCut = errors.New("connection reset by peer")

func (h *here) String() string { return "the container test" }

func (h *here) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	own, cut := context.WithCancel(ctx)
	h.mu.Lock()
	h.cuts = append(h.cuts, cut)
	h.runs++
	if h.refuses > 0 {
		h.refuses--
		h.mu.Unlock()
		return h.refuse
	}
	h.mu.Unlock()

	if len(h.shell) > 0 {
		argv = append(append([]string{}, h.shell...), argv[1:]...)
	}
	process := osexec.Command(argv[0], argv[1:]...)
	in, err := process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	said, err := process.StderrPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	var copies sync.WaitGroup
	copies.Go(func() { _, _ = io.Copy(stdout, out) })
	copies.Go(func() { _, _ = io.Copy(stderr, said) })
	go func() {
		_, _ = io.Copy(in, stdin)
		_ = in.Close()
	}()

	result := make(chan error, 1)
	go func() {
		copies.Wait()
		result <- process.Wait()
	}()
	select {
	case err := <-result:
		return err
	case <-own.Done():
		_ = in.Close()
		return errCut
	}
}

func (h *here) cutAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, cut := range h.cuts {
		cut()
	}
}

// shells are those that containers have, and this machine surely.
var shells = map[string][]string{"sh": nil}

// inShells runs a test in each shell.
func inShells(t *testing.T, test func(t *testing.T, h *here, r Runner)) {
	t.Helper()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &here{shell: shell}
			test(t, h, Runner{
				Executor: h, Shell: "/bin/sh", PayloadDir: t.TempDir(), Lease: 3 * time.Second, RestLimit: time.Minute, Random: rand.Reader,
			})
		})
	}
}

func shell(text string) exec.Call {
	return exec.Call{Argv: []string{"/bin/sh", "-c", text}, Shell: true, Timeout: time.Minute}
}

func payload(t *testing.T, content []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.After(30 * time.Second); !ok(); {
		select {
		case <-end:
			t.Fatalf("%s: not within 30s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// What a command prints arrives byte for byte, also without a line feed at the end, and what it reads as well.
func TestPayloadsPassUnchanged(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		big := bytes.Repeat([]byte("\x00\xff\n\r'$x`\\"), 50_000)
		for name, content := range map[string][]byte{
			"nothing": {}, "a byte": {0}, "no end of line": []byte("a\nb"), "a block": big[:65536], "much": big,
		} {
			var out bytes.Buffer
			c := shell("cat")
			c.Stdin, c.Stdout = payload(t, content), &out
			if err := r.Run(t.Context(), c); err != nil || !bytes.Equal(out.Bytes(), content) {
				t.Errorf("%s: %d bytes of %d, %v", name, out.Len(), len(content), err)
			}

			c = exec.Call{Argv: []string{"/bin/cp", "{payload}", r.PayloadDir + "/copy"}, Timeout: time.Minute, File: exec.ReadsFile}
			c.Path = payload(t, content).Name()
			if err := r.Run(t.Context(), c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			c = exec.Call{Argv: []string{"/bin/cp", r.PayloadDir + "/copy", "{payload}"}, Timeout: time.Minute, File: exec.WritesFile}
			c.Path = filepath.Join(t.TempDir(), "back")
			err := r.Run(t.Context(), c)
			got, _ := os.ReadFile(c.Path)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s by a file: %d bytes of %d, %v", name, len(got), len(content), err)
			}
		}
		if left, _ := filepath.Glob(r.PayloadDir + "/appbur-*"); len(left) > 0 {
			t.Errorf("files are left in the container: %q", left)
		}
	})
}

// Variables, directories, quotes and exit codes are those of the command.
func TestCommandsRunAsTheyAreWritten(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		var out, said bytes.Buffer
		c := shell(`printf '%s|%s|%s' "$ODD" "$(pwd)" "it's" ; echo why >&2; exit 7`)
		c.Env, c.Dir, c.Stdout, c.Stderr = []string{"ODD=a'b $HOME \n`x`"}, "/usr", &out, &said
		err := r.Run(t.Context(), c)
		var failed *exec.Failure
		if !errors.As(err, &failed) || !failed.Refused || !strings.Contains(err.Error(), "exit status 7") {
			t.Errorf("got %v", err)
		}
		if want := "a'b $HOME \n`x`|/usr|it's"; out.String() != want || said.String() != "why\n" {
			t.Errorf("printed %q, said %q", out.String(), said.String())
		}

		err = r.Run(t.Context(), exec.Call{Argv: []string{"appbur-no-such-program"}, Timeout: time.Minute})
		if !errors.As(err, &failed) || failed.Refused || !strings.Contains(failed.Hint, "image") {
			t.Errorf("a program that is not there: %v", err)
		}
	})
}

// A payload that does not come whole is never taken for one: the command is ended before it sees the end of its input.
func TestACutPayloadIsNotTaken(t *testing.T) {
	inShells(t, func(t *testing.T, h *here, r Runner) {
		mark, begun := filepath.Join(t.TempDir(), "taken"), filepath.Join(t.TempDir(), "begun")
		from, to := io.Pipe()
		argv := []string{
			r.Shell, "-c", script(watching), "appbur", strings.Repeat("a", tokenLength), "60", "9", "none", "",
			commandText(shell("touch '"+begun+"'; cat >/dev/null; touch '"+mark+"'"), ""),
		}
		result := make(chan error, 1)
		go func() { result <- h.Exec(t.Context(), argv, from, io.Discard, io.Discard) }()
		io.WriteString(to, "half")
		eventually(t, "the command begins", func() bool { return exists(begun) })
		to.Close()

		if err := <-result; err != nil {
			t.Log(err)
		}
		if exists(mark) {
			t.Error("the command took a part for the whole")
		}
	})
}

// A command that goes on too long is ended in the container with all that it started, and so is one whose caller is gone.
func TestCommandsEnd(t *testing.T) {
	inShells(t, func(t *testing.T, h *here, r Runner) {
		begun, done := filepath.Join(t.TempDir(), "begun"), filepath.Join(t.TempDir(), "ended")
		text := `trap 'touch "` + done + `"; exit 1' TERM; touch "` + begun + `"; sh -c 'sleep 60; true' & wait`
		c := shell(text)
		c.Timeout = time.Second
		if err := r.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "did not end within 1s") {
			t.Errorf("got %v", err)
		}
		eventually(t, "the command is asked to end", func() bool { return exists(done) })
		os.Remove(begun)
		os.Remove(done)

		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error, 1)
		go func() { result <- r.Run(ctx, shell(text)) }()
		eventually(t, "the command begins", func() bool { return exists(begun) })
		stop := errors.New("enough")
		cancel(stop)
		if err := <-result; err == nil {
			t.Error("a command that was ended ended well")
		}
		eventually(t, "the command is asked to end", func() bool { return exists(done) })
		os.Remove(begun)
		os.Remove(done)

		go func() { result <- r.Run(t.Context(), shell(text)) }()
		eventually(t, "the command begins", func() bool { return exists(begun) })
		h.cutAll()
		if err := <-result; !errors.Is(err, exec.ErrLost) {
			t.Errorf("a lost connection is %v", err)
		}
		eventually(t, "the command is asked to end", func() bool { return exists(done) })
	})
}

// A connection that ends without the last line is no success, although nothing says that it failed.
func TestAnOutputWithoutAnEndIsLost(t *testing.T) {
	for name, printed := range map[string]string{
		"nothing": "", "a part": "INSERT INTO", "a line like the last": strings.Repeat("b", tokenLength) + " ended 000\n",
	} {
		var out bytes.Buffer
		r := Runner{Executor: saying(printed), Shell: "/bin/sh", Random: rand.Reader}
		c := shell("dump")
		c.Stdout = &out
		if err := r.Run(t.Context(), c); !errors.Is(err, exec.ErrLost) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// saying is an executor that prints a text and ends well.
type saying string

func (s saying) String() string { return "the container test" }

func (s saying) Exec(_ context.Context, _ []string, stdin io.Reader, stdout, _ io.Writer) error {
	go io.Copy(io.Discard, stdin)
	eventuallyRead(stdin)
	_, err := io.WriteString(stdout, string(s))
	return err
}

// eventuallyRead marks the input as read, as a connection does that was made.
func eventuallyRead(stdin io.Reader) {
	if v, ok := stdin.(*voice); ok {
		v.begun.Store(true)
	}
}

// What certainly has not begun is tried again; what may have is not.
func TestOnlyWhatHasNotBegunIsTriedAgain(t *testing.T) {
	h := &here{refuse: errors.New("dial tcp: connection refused"), refuses: 2}
	r := Runner{Executor: h, Shell: "/bin/sh", Random: rand.Reader}
	file := filepath.Join(t.TempDir(), "runs")
	if err := r.Run(t.Context(), shell("echo run >> "+file)); err != nil || h.runs != 3 {
		t.Errorf("%d tries, %v", h.runs, err)
	}
	if got, _ := os.ReadFile(file); string(got) != "run\n" {
		t.Errorf("it ran %q", got)
	}

	h = &here{refuse: errors.New("dial tcp: connection refused"), refuses: 100}
	r.Executor = h
	var failed *exec.Failure
	if err := r.Run(t.Context(), shell("true")); !errors.As(err, &failed) || failed.Refused || errors.Is(err, exec.ErrLost) {
		t.Errorf("got %v", err)
	}
	h = &here{refuse: ErrReplaced, refuses: 100}
	r.Executor = h
	if err := r.Run(t.Context(), shell("true")); !errors.Is(err, ErrReplaced) || h.runs != 1 {
		t.Errorf("%d tries at a pod that was replaced: %v", h.runs, err)
	}
}
