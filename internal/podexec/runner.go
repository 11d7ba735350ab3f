package podexec

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/internal/backoff"
)

// Executor starts a program in a container.
type Executor interface {
	// Exec returns when the program has ended, or the connection has. The error says how, as far as that is known.
	Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error
	// String names the container in errors.
	String() string
}

// Runner implements [exec.Runner] in a container.
type Runner struct {
	Executor
	// Shell is that of the container, PayloadDir where files for payloads are made in it.
	Shell, PayloadDir string
	// Lease is how long an application rests without a word of this process, RestLimit how long in any case.
	Lease, RestLimit time.Duration
	// Random makes the words that runs are known by.
	Random io.Reader
}

var _ exec.Runner = Runner{}

// grace is how long the container may take to say that the time of a command is over, and lastWords how long a
// connection may stay when everything was said.
const (
	grace     = 20 * time.Second
	lastWords = 3 * time.Second
)

// tries is how often a command is tried that has not begun.
const tries = 4

var between = backoff.Backoff{First: 200 * time.Millisecond, Most: 2 * time.Second}

// Run implements [exec.Runner].
func (r Runner) Run(ctx context.Context, c exec.Call) error {
	for failures := 0; ; failures++ {
		begun, err := r.once(ctx, c)
		var failed *exec.Failure
		if err == nil || begun || errors.As(err, &failed) || ctx.Err() != nil {
			return err
		}
		if failures+1 == tries || backoff.Sleep(ctx, between.Delay(failures)) != nil {
			return notRun(nameOf(c), r.String(), err)
		}
	}
}

// once runs the command, and says whether it may have begun. An error that is no failure is one of the connection.
func (r Runner) once(ctx context.Context, c exec.Call) (begun bool, err error) {
	token, err := r.token()
	if err != nil {
		return false, err
	}
	payload, size, done, err := payloadOf(c)
	if err != nil {
		return false, err
	}
	defer done()

	file, use := "", "none"
	if c.File != exec.NoFile {
		file = r.PayloadDir + "/appbur-" + token
		use = map[exec.FileUse]string{exec.ReadsFile: "reads", exec.WritesFile: "writes"}[c.File]
	}
	argv := []string{
		r.Shell, "-c", script(watching), "appbur", token, seconds(c.Timeout), size, use, file, commandText(c, file),
	}
	out := &output{token: token, to: c.Stdout}
	if c.File == exec.WritesFile {
		kept, err := os.OpenFile(c.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, kept.Close()) }()
		out.to = kept
	}

	heard := newVoice(payload, token)
	lost := r.talk(ctx, argv, heard, out, c.Stderr, c.Timeout+grace)
	last, ended, fault := out.close()
	switch {
	case fault != nil:
		return true, fault
	case ended:
		return true, r.outcome(c, last)
	case ctx.Err() != nil:
		return true, exec.Stopped(nameOf(c), context.Cause(ctx))
	case !heard.begun.Load():
		if failed := neverRan(nameOf(c), r.String(), lost); failed != nil {
			return false, failed
		}
		return false, lost
	}
	return true, r.cutOff(c, lost)
}

// talk has the program run until it has ended, has said its last word, or has no time left.
func (r Runner) talk(ctx context.Context, argv []string, heard *voice, out *output, said io.Writer, longest time.Duration) error {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	stderr := &guardedWriter{to: said}
	defer stderr.close()
	defer heard.stop()
	result := make(chan error, 1)
	go func() { result <- r.Exec(own, argv, heard, out, stderr) }()

	look := time.NewTicker(lookInterval)
	defer look.Stop()
	var leave <-chan time.Time
	stopping := ctx.Done()
	for {
		select {
		case err := <-result:
			return err
		case <-stopping: // the container ends the command when it hears nobody
			heard.stop()
			stopping, leave = nil, time.After(lastWords+lastWords)
		case <-look.C:
			if leave == nil && out.ended() {
				leave = time.After(lastWords)
			}
		case <-leave:
			return context.Canceled
		}
	}
}

const lookInterval = time.Second

// outcome is what the script said of the command.
func (r Runner) outcome(c exec.Call, last ending) error {
	name := nameOf(c)
	switch {
	case last.word == wordEnded && last.code == 0:
		return nil
	case last.word == wordEnded:
		return exited(name, r.String(), last.code, c.Shell)
	case last.word == wordLimit:
		return exec.Stopped(name, fmt.Errorf("it did not end within %s", c.Timeout))
	}
	return &exec.Failure{
		Ended: fmt.Sprintf("%s was not run or gave nothing: the file of its payload could not be written or read in %s", name, r),
		Hint:  "payloadDir: names a directory of the container with room for the payload, in which its user may make files",
	}
}

func (r Runner) token() (string, error) {
	raw := make([]byte, tokenLength/2)
	if _, err := io.ReadFull(r.Random, raw); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// payloadOf is what the command reads, and how long it is.
func payloadOf(c exec.Call) (payload io.Reader, size string, done func(), err error) {
	done = func() {}
	from, isFile := c.Stdin.(*os.File)
	if c.File == exec.ReadsFile {
		if from, err = os.Open(c.Path); err != nil {
			return nil, "", done, err
		}
		isFile, done = true, func() { _ = from.Close() }
	}
	switch {
	case c.Stdin == nil && c.File != exec.ReadsFile:
		return nil, "none", done, nil
	case !isFile:
		return nil, "", done, fmt.Errorf("a payload for a pod is a file, not a %T", c.Stdin)
	}

	if _, err := from.Seek(0, io.SeekStart); err != nil { // it may be sent again
		done()
		return nil, "", done, err
	}
	info, err := from.Stat()
	if err != nil {
		done()
		return nil, "", done, err
	}
	return from, strconv.FormatInt(info.Size(), 10), done, nil
}

// seconds rounds up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// voice is what the script hears: the payload, the word that it was whole, and then nothing until the end.
type voice struct {
	io.Reader
	begun   atomic.Bool
	stopped chan struct{}
	once    atomic.Bool
}

func newVoice(payload io.Reader, token string) *voice {
	v := &voice{stopped: make(chan struct{})}
	v.Reader = silence(v.stopped)
	if payload != nil {
		v.Reader = io.MultiReader(payload, strings.NewReader(token+" whole\n"), v.Reader)
	}
	return v
}

// Read implements [io.Reader].
func (v *voice) Read(b []byte) (int, error) {
	v.begun.Store(true)
	select {
	case <-v.stopped:
		return 0, io.EOF
	default:
		return v.Reader.Read(b)
	}
}

func (v *voice) stop() {
	if !v.once.Swap(true) {
		close(v.stopped)
	}
}

// silence says nothing, and ends.
type silence chan struct{}

// Read implements [io.Reader].
func (s silence) Read([]byte) (int, error) {
	<-s
	return 0, io.EOF
}
