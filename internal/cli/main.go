package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/appbur/appbur"
)

// env is the world as commands see it. Tests put their own in.
type env struct {
	*Streams
	now    func() time.Time
	rand   io.Reader
	getenv func(string) string
	// ticker lets a progress line live while nothing happens; without one it does not.
	ticker func(every time.Duration) (ticks <-chan time.Time, stop func())
	// hangups are the signals HUP from now on; without it there are none.
	hangups func() (signals <-chan os.Signal, stop func())
	// collect sets how much a heap may grow before garbage is collected, in percent of what is live; nil
	// where the user says it.
	collect func(percent int) int
	// silent says that the command answers in JSON, beside which no progress is told.
	silent bool
	// program is what the user typed to start this one; empty is appbur.
	program string
	// noHeaders leaves the header out of tables.
	noHeaders bool
}

// Main runs the command line of this process and returns its exit code. The
// first interrupt cancels the work in good order, the second one ends it.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// client-go logs through klog to standard error, beside the errors that it
	// returns; one voice is enough.
	klog.SetLogger(logr.Discard())
	context.AfterFunc(ctx, stop) // from now on a signal has its default effect: the second one kills
	e := &env{
		Streams: SystemStreams(os.Getenv), now: time.Now, rand: rand.Reader, getenv: os.Getenv, ticker: systemTicker, hangups: systemHangups,
		program: programName(os.Args[0]),
	}
	if os.Getenv("GOGC") == "" {
		e.collect = debug.SetGCPercent
	}
	return Run(ctx, e, os.Args[1:])
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, e *env, args []string) int {
	e.Streams = e.forTerminals()
	root := newRoot(e)
	root.SetArgs(args)

	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil && !isType[*stoppedError](err) {
		err = &stoppedError{"cancelled"}
	}
	if err != nil {
		asJSON := false
		if command, _, findErr := root.Find(args); findErr == nil {
			asJSON = answersJSON(command)
		}
		e.reportError(err, asJSON)
	}
	return exitCode(err)
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "appbur",
		Short: "Back up Kubernetes management clusters to Git, and restore them into newer ones",
		Long: `appbur saves a Kubernetes management cluster to a Git repository: its manifests
as readable files with history, and the state of its applications as small
versioned payloads. It restores both into another cluster, which may run a newer
Kubernetes and newer applications.`,
		Example: `  appbur init ./mgmt.git
  appbur backup --repo ./mgmt.git --app fleet-system/fleet=fleet.example:7443
  appbur plan latest --repo ./mgmt.git --kubeconfig new-cluster.yaml
  appbur restore latest --repo ./mgmt.git --kubeconfig new-cluster.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without this a mistyped command prints help and exits with success.
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{appbur.WithHint(fmt.Errorf("unknown command %q", args[0]), commandHint(cmd, args[0]))}
			}
			return cmd.Help()
		},
		Args:             cobra.ArbitraryArgs,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) { e.silent = answersJSON(cmd) },
	}

	root.SetOut(e.Out)
	root.SetErr(e.Err)
	root.SetIn(e.In)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{appbur.WithHint(flagError(err), flagErrorHint(cmd, err))}
	})

	root.AddGroup(
		&cobra.Group{ID: "save", Title: "Save:"},
		&cobra.Group{ID: "look", Title: "Look:"},
		&cobra.Group{ID: "restore", Title: "Restore:"},
		&cobra.Group{ID: "other", Title: "Other:"},
	)

	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}

	add("save", newInit(e), newBackup(e), newRun(e), newRemotes(e), newClone(e))
	add("look", newStatus(e), newFleet(e), newPoints(e), newApps(e), newLog(e), newShow(e), newDiff(e), newBlame(e), newExplain(e),
		newRules(e), newCompat(e))
	add("restore", newPlan(e), newRestore(e), newPause(e), newActivate(e), newVerify(e), newDrill(e), newRender(e), newUndo(e),
		newUpgrade(e))
	add("other", newConfig(e), newKeys(e), newTrust(e), newRepo(e), newRBAC(e), newConformance(e), newVersion(e))
	root.Version = version
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.InitDefaultCompletionCmd()
	completions(e, root)
	wrapArgs(root)
	if e.program != "" {
		calledAs(root, e.program)
	}
	return root
}

// wrapArgs makes every argument mistake a usage error, in one place.
func wrapArgs(command *cobra.Command) {
	if check := command.Args; check != nil {
		command.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				hint := fmt.Sprintf("run `%s --help`", cmd.CommandPath())
				if len(args) > 0 && cmd.HasSubCommands() {
					hint = commandHint(cmd, args[0])
				}
				return &usageError{appbur.WithHint(err, hint)}
			}
			return nil
		}
	}
	for _, child := range command.Commands() {
		wrapArgs(child)
	}
}
