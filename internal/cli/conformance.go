package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// envSlow tells --slow-cmd how many seconds an export must take.
const envSlow = "APPBUR_SLOW_SECONDS"

type conformanceOptions struct {
	apps                              appOptions
	exempt                            []string
	run, older, junit                 string
	kill, terminate, restart, mutate  string
	slow, expire                      string
	list, strict, destructive, asJSON bool
	idle, timeout                     time.Duration
	many                              int
}

func newConformance(e *env) *cobra.Command {
	var o conformanceOptions
	command := &cobra.Command{
		Use:   "conformance ADDRESS",
		Short: "Check that an application keeps the appbur contract",
		Long: `Check that an application, written in any language, keeps the contract by which
appbur saves and restores it. The cases are listed by --list and described in
docs/conformance.md.

The check REPLACES THE STATE of the application again and again, and puts back
what it found after every case. Use an application that is not in use.

What cannot be done through the contract is done by commands: --kill-cmd ends the process
as kill -9 does, --stop-cmd gracefully, --restart-cmd starts it again, and
--mutate-cmd creates something by the application's own means. --slow-cmd makes
reading the state for an export take at least $` + envSlow + ` seconds, and is run
again with 0 when that is over. --expire-cmd makes the token in --app-token-file
invalid and writes a new one there. They are run by sh and must return when they
are done; what they leave running must not keep their standard error. Cases whose
command is missing are not run, and the report says so. Where there is nothing that
such a case could be about, say so with --not-applicable; a case that can be run is
run all the same.` +
			exitStatus("0  every case that the application must pass was run and passed", "1  a case failed, or with --strict was not run",
				"3  nothing failed, but cases that the application must pass were not run", "64 the command line is wrong, or it was not confirmed"),
		Example: `  appbur conformance --list
  appbur conformance unix:///run/app.sock --destructive --idle 0
  appbur conformance localhost:7443 --app-ca ca.pem --app-cert me.pem --app-key me.key --destructive \
    --kill-cmd 'docker kill app' --stop-cmd 'docker stop app' --restart-cmd 'docker start app' \
    --mutate-cmd 'curl -fsS -X POST localhost:8080/things' \
    --slow-cmd 'curl -fsS -X POST "localhost:8080/debug/slow?seconds=$` + envSlow + `"' --older testdata/payloads --junit conformance.xml`,
		Args: func(_ *cobra.Command, args []string) error {
			if o.list {
				if len(args) > 0 {
					return errors.New("--list takes no ADDRESS")
				}
				return nil
			}
			if len(args) != 1 {
				return fmt.Errorf("want one ADDRESS, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.list {
				return o.printList(e)
			}
			return conformanceRun(cmd.Context(), e, &o, args[0])
		},
	}
	f := command.Flags()
	o.apps.addTrustFlags(command)
	f.StringVar(&o.run, "run", "", "run only cases whose id matches `REGEXP`, for example '^IMP'")
	f.StringVar(&o.older, "older", "",
		"`DIR` of golden payloads of older releases: RELEASE/DATASET@SCHEMA.ndjson, and the same with .want for what must be exported afterwards")
	f.StringVar(&o.kill, "kill-cmd", "", "`COMMAND` that kills the application")
	f.StringVar(&o.terminate, "stop-cmd", "", "`COMMAND` that stops the application in good order")
	f.StringVar(&o.restart, "restart-cmd", "", "`COMMAND` that starts the application again, at the same address")
	f.StringVar(&o.mutate, "mutate-cmd", "", "`COMMAND` that has the application create something")
	f.StringVar(&o.slow, "slow-cmd", "", "`COMMAND` that makes exports take at least $"+envSlow+" seconds; 0 ends that")
	f.StringVar(&o.expire, "expire-cmd", "", "`COMMAND` that makes the token in --app-token-file invalid and puts a new one there")
	f.StringArrayVar(&o.exempt, "not-applicable", nil,
		"`ID,ID=REASON` of cases that have nothing to be about in this application; may be repeated")
	f.StringVar(&o.junit, "junit", "", "write the report as JUnit XML to `FILE`")
	f.DurationVar(&o.idle, "idle", 90*time.Second, "how long NET-005 pings an idle connection; 0 leaves the case out")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long a case may take")
	f.IntVar(&o.many, "many", 1000, "how many exports NET-010 makes")
	f.BoolVar(&o.list, "list", false, "list the cases and do nothing")
	f.BoolVar(&o.strict, "strict", false, "fail when a case that the application must pass was not run")
	f.BoolVar(&o.destructive, "destructive", false, "do not ask before the state of the application is replaced")
	jsonFlag(command, &o.asJSON)
	headersFlag(e, command)
	return command
}

func (o *conformanceOptions) printList(e *env) error {
	if o.asJSON {
		return e.printJSON(struct {
			Cases []contracttest.Case `json:"cases"`
		}{contracttest.Catalogue()})
	}
	t := e.newTable(conformanceColumns...)
	for _, c := range contracttest.Catalogue() {
		t.add(plain(c.ID), plain(string(c.Level)), plain(c.Condition), plain(c.Title))
	}
	t.print(e.Out)
	return nil
}

func conformanceRun(ctx context.Context, e *env, o *conformanceOptions, address string) error {
	config, err := o.config(e, address)
	if err != nil {
		return err
	}

	if !o.destructive {
		if !e.InTerminal {
			return &usageError{appbur.WithHint(errors.New("the check replaces the application's state, and no terminal is there to confirm it"),
				"pass --destructive")}
		}
		if err := e.confirm(ctx, fmt.Sprintf("Replace the state of the application at %s, and put it back?", address)); err != nil {
			return err
		}
	}

	client, err := contract.Dial(ctx, address, config.dial)
	if err != nil {
		return err
	}
	info, err := client.Info(ctx)
	if err = errors.Join(err, client.Close()); err != nil {
		return err
	}
	bar := e.bar("checking the contract", "cases")
	bar.set(0, config.selected())

	report := contracttest.CheckEach(ctx, config.Config, func(r contracttest.Result) {
		if !o.asJSON {
			printResult(e, r)
		}
		bar.add(1)
	})

	bar.finish()
	if err := o.writeJUnit(report, info.App); err != nil {
		return err
	}

	if o.asJSON {
		if err := e.printJSON(conformanceJSON(info, report)); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(e.Out, report.Summary())
	}

	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(report.Failed()) > 0, o.strict && len(report.Missing()) > 0:
		return errNotConforming
	case len(report.Missing()) > 0:
		return errPartly
	}

	return nil
}

var errNotConforming = &outcome{ExitFailed, "the application does not keep the contract"}

// conformanceConfig is the kit's, and how to dial beside it.
type conformanceConfig struct {
	contracttest.Config
	dial contract.DialOptions
}

// selected is how many cases are run.
func (c conformanceConfig) selected() (n int64) {
	for _, one := range contracttest.Catalogue() {
		if c.Run == nil || c.Run.MatchString(one.ID) {
			n++
		}
	}
	return n
}

func (o *conformanceOptions) config(e *env, address string) (conformanceConfig, error) {
	c := conformanceConfig{Config: contracttest.Config{Strict: o.strict, Idle: o.idle, Timeout: o.timeout, Many: o.many}}
	var err error
	if c.Exempt, err = parseExempt(o.exempt); err != nil {
		return c, err
	}
	c.Name = conformanceName
	if o.run != "" {
		if c.Run, err = regexp.Compile(o.run); err != nil {
			return c, &usageError{appbur.WithHint(fmt.Errorf("--run: %q is no regular expression: %s", o.run, patternFault(err)),
				"--run takes a regular expression of the names of cases, as in --run '^EXP-'")}
		}
	}

	if o.older != "" {
		if c.Older, err = contracttest.ReadOlder(os.DirFS(o.older)); err != nil {
			return c, appbur.WithHint(fmt.Errorf("--older: %w", err),
				"a payload is DIR/RELEASE/DATASET@SCHEMA.ndjson, for example old/1.4.0/notes@1.0.ndjson")
		}
	}

	dialer, err := o.apps.dialer()
	switch {
	case err != nil:
		return c, err
	case dialer.TokenOf != nil:
		return c, &usageError{appbur.WithHint(fmt.Errorf("--app-token-file: %s is a directory", o.apps.token),
			"name the file with the token of this application")}
	}
	c.dial = contract.DialOptions{
		TLS: dialer.TLS, Token: dialer.Token, Insecure: dialer.Insecure, Name: "appbur conformance",
		Version: version,
	}
	if c.dial.Insecure {
		c.dial.TLS = nil
	}

	start := contracttest.At(address, c.dial)
	c.Start = func(ctx context.Context) (*contracttest.Instance, error) {
		instance, err := start(ctx)
		if err != nil {
			return nil, err
		}
		instance.Kill, instance.Terminate = e.hook("--kill-cmd", o.kill), e.hook("--stop-cmd", o.terminate)
		instance.Restart, instance.Mutate = e.hook("--restart-cmd", o.restart), e.hook("--mutate-cmd", o.mutate)
		instance.Expire = e.hook("--expire-cmd", o.expire)
		if o.slow != "" {
			instance.Slow = func(ctx context.Context, atLeast time.Duration) error {
				return e.runHook(ctx, "--slow-cmd", o.slow, fmt.Sprintf("%s=%.0f", envSlow, math.Ceil(atLeast.Seconds())))
			}
		}
		if c.dial.Token != nil {
			instance.Credentials = c.dial.Token.PerCall()
		}
		return instance, nil
	}

	return c, nil
}

// hook runs a command of the user; none is no hook.
func (e *env) hook(flag, text string) func(context.Context) error {
	if text == "" {
		return nil
	}
	return func(ctx context.Context) error { return e.runHook(ctx, flag, text) }
}

// runHook runs a command of the user with additions to its environment.
func (e *env) runHook(ctx context.Context, flag, text string, additions ...string) error {
	command := exec.CommandContext(ctx, "sh", "-c", text)
	command.Env = append(command.Environ(), additions...)
	command.Stderr = e.Err
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

var outcomeColours = map[contracttest.Outcome]string{
	contracttest.Passed: sgrGreen, contracttest.Failed: sgrRed,
	contracttest.Skipped: sgrYellow,
}

func printResult(e *env, r contracttest.Result) {
	what := string(r.Outcome)
	if r.Skip != "" {
		what = string(r.Skip)
	}
	line := fmt.Sprintf("%-14s %s  %s", what, r.ID, r.Title)
	if r.Err != nil {
		line += ": " + oneLine(r.Err.Error())
	}
	fmt.Fprintln(e.Out, e.paint(outcomeColours[r.Outcome], line))
	for _, note := range r.Notes {
		fmt.Fprintf(e.Out, "%-14s %s  %s\n", "", r.ID, oneLine("note: "+note))
	}
}

func (o *conformanceOptions) writeJUnit(report contracttest.Report, app string) error {
	if o.junit == "" {
		return nil
	}
	f, err := os.Create(o.junit)
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	if err := errors.Join(report.WriteJUnit(f, app), f.Close()); err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}
