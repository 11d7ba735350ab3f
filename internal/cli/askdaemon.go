package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	v1 "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/pointrequest"
)

// daemonOptions say which daemon is asked for a restore point.
type daemonOptions struct {
	inCluster        bool
	namespace, lease string
	timeout          time.Duration
}

func (o *daemonOptions) addFlags(command *cobra.Command) {
	f := command.Flags()
	f.BoolVar(&o.inCluster, "in-cluster", false, "have the daemon of the cluster make the point, and wait for it")
	f.StringVarP(&o.namespace, "namespace", "n", "appbur-system", "`NAMESPACE` of the daemon's Lease, with --in-cluster")
	f.StringVar(&o.lease, "lease", configuration.DefaultLease, "`NAME` of the daemon's Lease, with --in-cluster")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "wait so `LONG` for the daemon, with --in-cluster")
}

// withDaemon are the flags of who asks a daemon, ofDaemon those that are for nobody else.
var (
	ofDaemon   = []string{"namespace", "lease", "timeout"}
	withDaemon = append([]string{"in-cluster", "kubeconfig", "context", "json"}, ofDaemon...)
)

// check refuses flags that say nothing to who asks, or to who does not.
func (o *daemonOptions) check(flags *pflag.FlagSet) (wrong error) {
	flags.Visit(func(flag *pflag.Flag) {
		switch {
		case o.inCluster && !slices.Contains(withDaemon, flag.Name):
			wrong = &usageError{appbur.WithHint(fmt.Errorf("--%s does not go with --in-cluster: the daemon goes by its own settings", flag.Name),
				"leave it out, or set it where the daemon is configured")}
		case !o.inCluster && slices.Contains(ofDaemon, flag.Name):
			wrong = &usageError{appbur.WithHint(fmt.Errorf("--%s is for --in-cluster only", flag.Name), "add --in-cluster, or leave it out")}
		}
	})
	if wrong == nil && o.timeout <= 0 {
		wrong = &usageError{appbur.WithHint(fmt.Errorf("--timeout: %s is no time to wait", o.timeout), "for example --timeout 15m")}
	}
	return wrong
}

// daemonPoint is what `backup --in-cluster --json` prints (docs/json.md).
type daemonPoint struct {
	Point struct {
		ID      appbur.RestorePointID `json:"id"`
		Partial bool                  `json:"partial"`
	} `json:"restorePoint"`
	Leader  string  `json:"leader"`
	Lease   string  `json:"lease"`
	Seconds float64 `json:"seconds"`
	// Error is why the point does not count yet, Hint what to do.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// leaseLimit is how long a request to the Lease may take.
const leaseLimit = 10 * time.Second

// askDaemon has the daemon make a restore point.
func (o *backupOptions) askDaemon(ctx context.Context, e *env) error {
	config, err := o.restConfig()
	if err != nil {
		return err
	}
	config.Timeout = leaseLimit
	client, err := v1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	name := o.daemon.namespace + "/" + o.daemon.lease
	began := e.now()
	limited, cancel := context.WithTimeout(ctx, o.daemon.timeout)
	defer cancel()
	asker := &pointrequest.Asker{
		Leases: client.Leases(o.daemon.namespace), Name: o.daemon.lease, Now: e.now, Random: e.rand,
		Waits: func(leader string) { o.tellWait(e, leader, name) },
	}
	answer, err := asker.Ask(limited)
	var failed *pointrequest.FailedError
	made := err == nil || errors.As(err, &failed) && answer.Point != ""
	if !made {
		return o.daemonHint(err)
	}

	report := daemonPoint{Leader: answer.By, Lease: name, Seconds: e.now().Sub(began).Seconds(), Error: answer.Error, Hint: answer.Hint}
	report.Point.ID, report.Point.Partial = answer.Point, answer.Partial
	if err := e.printDaemonPoint(report, o.json); err != nil {
		return err
	}
	if err != nil && !o.json {
		e.warnWithHint("the restore point does not count yet: "+answer.Error, answer.Hint)
	}
	if answer.Partial || err != nil {
		return errPartly
	}
	return nil
}

// tellWait tells a person who is waited for.
func (o *backupOptions) tellWait(e *env, leader, lease string) {
	if !o.json {
		e.say("Waiting for %s, which leads by the Lease %s.", leader, lease)
	}
}

// daemonHint gives an error of the API server its next step.
func (o *backupOptions) daemonHint(err error) error {
	if apierrors.IsForbidden(err) {
		return appbur.WithHint(err, fmt.Sprintf("the account needs the verbs get and patch on leases/%s of coordination.k8s.io in the namespace %s",
			o.daemon.lease, o.daemon.namespace))
	}
	var failed *pointrequest.FailedError
	if hintOf(err) != "" || errors.As(err, &failed) || errors.Is(err, context.Canceled) {
		return err
	}
	return clusterHint(err)
}

func (e *env) printDaemonPoint(r daemonPoint, asJSON bool) error {
	if asJSON {
		return e.printJSON(r)
	}
	state := e.paint(sgrGreen, "complete")
	if r.Point.Partial {
		state = e.paint(sgrYellow, "PARTIAL")
	}
	fmt.Fprintf(e.paragraphs(fieldIndent), "restore point  %s (%s)\nmade by        %s, Lease %s\ntook           %s\n",
		e.paint(sgrCyan, string(r.Point.ID)), state, r.Leader, r.Lease,
		time.Duration(r.Seconds*float64(time.Second)).Round(10*time.Millisecond))
	return nil
}

// answerRequests makes the points that somebody asks for at the Lease.
func (s *scheduledPoints) answerRequests(ctx context.Context, points *daemon.Points) {
	desk := pointrequest.NewDesk(pointrequest.DeskOptions{
		Identity: s.elector.Identity(), Patch: s.elector.Patch, Hint: hintOf, Now: s.env.now, Log: s.log,
		Make: func(ctx context.Context) (appbur.RestorePointID, bool, error) {
			made, err := points.Ask(ctx)
			if err != nil {
				return "", false, err
			}
			return made.ID, made.Partial, made.Unreplicated
		},
	})
	s.elector.Observe(desk.See)
	defer s.elector.Observe(nil)
	desk.Run(ctx)
}
