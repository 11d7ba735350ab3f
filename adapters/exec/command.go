package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// command is something to run. It is made by newCommand.
type command struct {
	argv    []string
	env     []string
	dir     string
	timeout time.Duration
	// named says that the payload is a file whose name the command gets.
	named bool
}

// The places that a run fills in.
const (
	placePayload = "{payload}"
	placeSchema  = "{schema}"
	placeDataset = "{dataset}"
	varPayload   = "APPBUR_PAYLOAD"
)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func newCommand(f commandFile, getenv func(string) string) (command, error) {
	c := command{argv: f.Argv, dir: f.Dir, timeout: defaultTimeout, env: []string{"PATH=" + getenv("PATH")}}
	switch {
	case (len(f.Argv) == 0) == (f.Shell == ""):
		return c, errors.New("one of argv and shell is needed")
	case f.Shell != "":
		c.argv = []string{"/bin/sh", "-c", f.Shell}
		c.named = strings.Contains(f.Shell, varPayload)
	case f.Argv[0] == "":
		return c, errors.New("the first of argv is empty")
	default:
		c.named = slices.ContainsFunc(f.Argv, func(arg string) bool { return strings.Contains(arg, placePayload) })
	}
	if f.Timeout != "" {
		d, err := time.ParseDuration(f.Timeout)
		if err != nil || d <= 0 {
			return c, fmt.Errorf("timeout: %q is not a duration such as 5m", f.Timeout)
		}
		c.timeout = d
	}

	for _, name := range f.Env {
		if !variable.MatchString(name) {
			return c, fmt.Errorf("env: %q is no name of a variable; values go under set", name)
		}
		if value := getenv(name); value != "" {
			c.env = append(c.env, name+"="+value)
		}
	}

	for name, value := range f.Set {
		if !variable.MatchString(name) || strings.ContainsRune(value, 0) {
			return c, fmt.Errorf("set: %q is no name of a variable, or its value has a zero byte", name)
		}
		c.env = append(c.env, name+"="+value)
	}
	return c, nil
}

// run is one run of a command.
type run struct {
	dataset, schema string
	// payload is the file that takes the place of {payload}.
	payload       string
	stdin, stdout *os.File
}

// failure is a command that did not end well.
type failure struct {
	// ended says how, without anything that the command said.
	ended string
	said  string
	// hint is what to do about it.
	hint  string
	cause error
}

func (f *failure) Error() string { return f.ended }
func (f *failure) Unwrap() error { return f.cause }

// stopTimeout is how long a command may take after it was asked to stop.
const stopTimeout = 5 * time.Second

// run runs the command to its end. Whatever it started in its process group ends
// with it when ctx does.
func (c command) run(ctx context.Context, r run) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("it did not end within %s", c.timeout))
	defer cancel()
	argv := slices.Clone(c.argv)
	fill := strings.NewReplacer(placePayload, r.payload, placeSchema, r.schema, placeDataset, r.dataset)
	if argv[0] != "/bin/sh" || len(argv) < 2 || argv[1] != "-c" {
		// A shell gets variables: text must not become code.
		for i := range argv[1:] {
			argv[i+1] = fill.Replace(argv[i+1])
		}
	}
	process := osexec.CommandContext(ctx, argv[0], argv[1:]...)
	process.Dir = c.dir
	process.Env = append(slices.Clone(c.env), "APPBUR_DATASET="+r.dataset, "APPBUR_SCHEMA="+r.schema)
	if r.payload != "" {
		process.Env = append(process.Env, varPayload+"="+r.payload)
	}
	said := &tail{}
	process.Stderr = said
	if r.stdin != nil {
		process.Stdin = r.stdin
	}
	if r.stdout != nil {
		process.Stdout = r.stdout
	}
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

	f := &failure{said: said.String(), cause: err}
	name := filepath.Base(argv[0])
	if ctx.Err() != nil {
		f.cause = context.Cause(ctx)
		f.ended = fmt.Sprintf("%s was ended: %v", name, f.cause)
		f.hint = "if it needs longer, raise timeout: of the command in the configuration"
		return f
	}
	f.explain(name, c.dir)
	return f
}

// longestTail is how much of the output of a command is reported.
const longestTail = 2 << 10

// tail keeps the last of what is written to it.
type tail struct{ last []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.last = append(t.last, b...)
	if over := len(t.last) - longestTail; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(b), nil
}

// String returns it as one line.
func (t *tail) String() string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(t.last), ""), func(r rune) bool { return r < ' ' || r == 0x7f }), " | ")
}

// describe says how a command failed, and what it said unless that may hold data.
func describe(err error, sensitive bool) string {
	var f *failure
	switch {
	case !errors.As(err, &f):
		if sensitive {
			return "it failed outside its command"
		}
		return err.Error()
	case sensitive && f.said != "":
		return f.ended + "; what it said is withheld because the dataset is sensitive"
	case f.said != "":
		return f.ended + ": " + f.said
	}
	return f.ended
}
