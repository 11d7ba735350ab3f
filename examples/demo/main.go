//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/appbur/appbur"
)

// Exit codes, as the appbur command has them.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 64
	exitCancelled = 130
)

// options are what the audience can choose.
type options struct {
	bin      string
	dir      string
	from, to appbur.KubeVersion
	wait     time.Duration
	keep     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(exitDone)
	}
	if err != nil {
		os.Exit(exitUsage) // flag has said why
	}
	terminal := isatty.IsTerminal(os.Stdout.Fd())
	n := &narrator{
		out:      os.Stdout,
		terminal: terminal,
		colour:   terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		now:      time.Now,
	}
	os.Exit(perform(ctx, o, n, os.Environ()))
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	o.from = appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	o.to = appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.bin, "bin", "bin", "`directory` with appbur, fleet-v1 and fleet-v2")
	flags.StringVar(&o.dir, "dir", "", "`directory` for the repository, keys and logs (default: a new temporary one)")
	flags.DurationVar(&o.wait, "wait", time.Minute, "how long the garbage collector gets to find something to delete")
	flags.BoolVar(&o.keep, "keep", false, "leave both clusters and the application running at the end, until Ctrl-C")

	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintln(stderr, "demo:", err)
		flags.Usage()
		return options{}, err
	}
	return o, nil
}

// perform tells the story and returns the exit code. When it returns, nothing
// runs any more.
func perform(ctx context.Context, o options, n *narrator, environ []string) int {
	s, err := newStage(o, n, environ)
	if err != nil {
		n.failure(err)
		return exitFailed
	}
	defer s.close()

	err = run(ctx, s, story(o))
	switch {
	case ctx.Err() != nil:
		n.say("\nInterrupted. Stopping the servers.")
		return exitCancelled
	case err != nil:
		s.keepLogs()
		n.failure(err)
		n.say("Everything so far is in %s", s.dir)
		return exitFailed
	}

	s.epilogue()
	if o.keep {
		n.say("\nEverything keeps running. Press Ctrl-C to end it.")
		<-ctx.Done()
		n.say("\nStopping the servers.")
	}
	return exitDone
}

// workDir makes the directory that the story happens in. Its path is short,
// because it holds sockets, whose paths must fit in 108 bytes.
func workDir(dir string) (string, error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "appbur-demo-")
		if err != nil {
			return "", fmt.Errorf("make a directory for the demo: %w", err)
		}
		return made, nil
	}

	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make a directory for the demo: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a directory for the demo: %w", err)
	}

	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("make a directory for the demo: %w", err)
	}
	if len(entries) > 0 {
		return "", appbur.WithHint(fmt.Errorf("%s is not empty", dir), "name a new directory, or none for a temporary one")
	}
	return dir, nil
}
