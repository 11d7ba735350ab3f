package exec

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

// Runner runs commands somewhere: as processes of this machine, or in a pod.
type Runner interface {
	// Run runs a command to its end and returns nil if it ended well, with everything that it printed written. Whatever
	// it started ends with it when ctx does, or when its time is over. The error of a command that did not end well is a
	// [*Failure].
	Run(ctx context.Context, c Call) error
	// Rest runs quiesce, and returns when it has ended well. release runs once when the rest is ended, and also when
	// quiesce failed.
	Rest(ctx context.Context, quiesce, release Call) (Rest, error)
}

// Rest is an application that was put to rest.
type Rest interface {
	// Held returns nil if the application rests still.
	Held(ctx context.Context) error
	// End runs the release command. The error of a rest that had ended before is one as well.
	End(ctx context.Context) error
}

// Call is one run of a command.
type Call struct {
	// Argv is the program and its arguments, in which {payload} stands where a file is named. The last argument of a
	// Shell is a text for it.
	Argv  []string
	Shell bool
	// Env are variables as NAME=VALUE, and all that the configuration gives.
	Env []string
	// Dir is "" for the one that commands run in otherwise.
	Dir     string
	Timeout time.Duration
	// File says whether the payload is a file whose name the command gets; Path is that file here.
	File FileUse
	Path string
	// Stdin and Stdout are nil if there is nothing to read, and if nobody wants to know.
	Stdin  io.Reader
	Stdout io.Writer
	// Stderr takes what the command says.
	Stderr io.Writer
}

// FileUse is what a command does with the file that it is told.
type FileUse int

// The uses of a file.
const (
	NoFile FileUse = iota
	ReadsFile
	WritesFile
)

// Filled is the command with the name of a file in its place. A shell gets variables: text must not become code.
func (c Call) Filled(file string) (argv, env []string) {
	argv, env = slices.Clone(c.Argv), slices.Clone(c.Env)
	if c.File == NoFile {
		return argv, env
	}
	if !c.Shell {
		for i := range argv[1:] {
			argv[i+1] = strings.ReplaceAll(argv[i+1], placePayload, file)
		}
	}
	return argv, append(env, varPayload+"="+file)
}

// Failure is a command that did not end well.
type Failure struct {
	// Ended says how, without anything that the command said.
	Ended string
	// Hint is what to do about it.
	Hint string
	// Refused says that the command ran to its end and said no.
	Refused bool
	Cause   error

	said string
}

func (f *Failure) Error() string { return f.Ended }
func (f *Failure) Unwrap() error { return f.Cause }

// ErrLost is the cause of a [*Failure] of a command of which nobody knows whether it ended, or how: the connection to it was
// lost. Commands that change nothing are run again.
var ErrLost = errors.New("the connection to the command was lost")
