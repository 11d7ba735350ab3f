// Command integration runs what the build tag `integration` adds to the tests, four packages or parts of one at a time, and writes
// what `go test -json` says, for gotestsum to print:
//
//	gotestsum --raw-command -- go run ./hack/integration                # all
//	gotestsum --raw-command -- go run ./hack/integration ./internal/... # some
//	go run ./hack/integration -print                                    # what would run
//
// `go test -tags integration` runs the unit tests once more, and `make test` has run them before, with the race
// detector. So a package runs here with a -run that names the tests of its tagged files. It runs completely where
// the tag may change what the other tests do: see [readPlan].
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()

	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("integration", flag.ContinueOnError)
	flags.SetOutput(stderr)
	printOnly := flags.Bool("print", false, "print the go commands, and run none")
	dir := flags.String("C", ".", "the `directory` of the module")
	if err := flags.Parse(args); err != nil {
		return err
	}
	patterns := flags.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}

	plan, err := readPlan(ctx, *dir, patterns)
	if err != nil {
		return err
	}
	if *printOnly {
		for _, p := range inParts(plan) {
			fmt.Fprintln(stdout, "go", p.args())
		}
		return nil
	}

	return runAll(ctx, plan, *dir, stdout, stderr)
}

// sideBySide is how many parts are tested at a time. Tests wait for servers most of the time: on two cores one at a time
// keeps a quarter of them busy.
const sideBySide = 4

// runAll runs every package, whatever becomes of the others. Large ones are cut into parts, and the parts with the most
// tests come first, so that the longest does not begin last.
func runAll(ctx context.Context, plan []tests, dir string, stdout, stderr io.Writer) error {
	plan = inParts(plan)
	slices.SortStableFunc(plan, func(a, b tests) int { return len(b.names) - len(a.names) })
	var printing sync.Mutex
	failed := make([]error, len(plan))
	var group errgroup.Group
	group.SetLimit(sideBySide)

	for i, p := range plan {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			out, errs := &lines{to: stdout, printing: &printing}, &lines{to: stderr, printing: &printing}
			failed[i] = p.run(ctx, dir, out, errs)
			return errors.Join(out.Close(), errs.Close())
		})
	}
	return errors.Join(group.Wait(), cmp.Or(failed...))
}

// run runs the tests of one package. gotestsum says which failed; the error is only for the exit code.
func (p tests) run(ctx context.Context, dir string, stdout, stderr io.Writer) error {
	command := exec.CommandContext(ctx, "go", p.args()...)
	command.Dir, command.Stdout, command.Stderr = dir, stdout, stderr
	// go stops the tests itself: a killed go would leave their servers running.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute // for a server that a failed test has left, and that has the output open

	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", p.pkg, err)
	}
	return nil
}
