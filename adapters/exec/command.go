package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// command is something to run. It is made by newCommand.
type command struct {
	argv    []string
	env     []string
	dir     string
	timeout time.Duration
	// shell says that the last of argv is a text for the first.
	shell bool
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

// maker makes commands of what a person wrote.
type maker func(commandFile) (command, error)

// onThisMachine makes commands that run as processes. getenv looks up the variables that they are to get.
func onThisMachine(getenv func(string) string) maker {
	return func(f commandFile) (command, error) {
		c, err := newCommand(f, "/bin/sh")
		if err != nil {
			return c, err
		}
		for _, name := range f.Env {
			if !variable.MatchString(name) {
				return c, fmt.Errorf("env: %q is no name of a variable; values go under set", name)
			}
			if value := getenv(name); value != "" {
				c.env = append(c.env, name+"="+value)
			}
		}
		c.env = append([]string{"PATH=" + getenv("PATH")}, c.env...)
		return c, nil
	}
}

func newCommand(f commandFile, shell string) (command, error) {
	c := command{argv: f.Argv, dir: f.Dir, timeout: defaultTimeout}
	switch {
	case (len(f.Argv) == 0) == (f.Shell == ""):
		return c, errors.New("one of argv and shell is needed")
	case f.Shell != "":
		c.argv, c.shell = []string{shell, "-c", f.Shell}, true
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

	for _, name := range slices.Sorted(maps.Keys(f.Set)) {
		value := f.Set[name]
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
	// file is the payload if it is one whose name the command gets.
	file          FileUse
	path          string
	stdin, stdout *os.File
}

// call is what a runner is asked for.
func (c command) call(r run, said io.Writer) Call {
	argv := slices.Clone(c.argv)
	if !c.shell {
		fill := strings.NewReplacer(placeSchema, r.schema, placeDataset, r.dataset)
		for i := range argv[1:] {
			argv[i+1] = fill.Replace(argv[i+1])
		}
	}
	call := Call{
		Argv: argv, Shell: c.shell, Env: append(slices.Clone(c.env), "APPBUR_DATASET="+r.dataset, "APPBUR_SCHEMA="+r.schema),
		Dir: c.dir, Timeout: c.timeout, File: r.file, Path: r.path, Stderr: said,
	}
	if r.stdin != nil {
		call.Stdin = r.stdin
	}
	if r.stdout != nil {
		call.Stdout = r.stdout
	}
	return call
}

// run runs the command to its end.
func (c command) run(ctx context.Context, runner Runner, r run) error {
	said := &tail{}
	return heard(runner.Run(ctx, c.call(r, said)), said)
}

// heard adds to the failure of a command what it said.
func heard(err error, said *tail) error {
	var f *Failure
	if errors.As(err, &f) {
		f.said = said.String()
	}
	return err
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
	var f *Failure
	switch {
	case !errors.As(err, &f):
		if sensitive {
			return "it failed outside its command"
		}
		return err.Error()
	case sensitive && f.said != "":
		return f.Ended + "; what it said is withheld because the dataset is sensitive"
	case f.said != "":
		return f.Ended + ": " + f.said
	}
	return f.Ended
}
