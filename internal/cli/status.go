package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/internal/repository"
)

type statusCommand struct {
	repositoryOptions
	clusterOptions
	config      string
	daemon      string
	credentials string
	plaintext   bool
	greatestAge time.Duration
	grace       time.Duration
	json        bool
	// copyOf gives the copy of a remote; nil is one for as long as the command runs.
	copyOf copySource
	// also looks at the points while the repository is open; it may be nil.
	also func(repo *repository.Repository, all repository.Catalog) error
}

func newStatus(e *env) *cobra.Command {
	o := &statusCommand{}
	command := &cobra.Command{
		Use:   "status",
		Short: "Say on one screen whether the cluster is backed up, or what is wrong and what to do",
		Long: `Say on one screen whether the cluster is backed up, or what is wrong and what to do:
the last good restore point first, then its copies, schedules, commits, each remote,
key files, the daemon and the cluster.

It works from outside: from a working copy, or from the URL of a remote, which is read
into a temporary copy. What the daemon and the cluster say is added when they are named,
by a flag or in --config. Without a daemon nobody knows whether a point is old because
nothing has changed.

A point is late when the next time of its schedule and --grace have passed, or with
--max-age when it is older. Schedules are those of --config; without any, a point may
be 26 hours old.` +
			exitStatus("0  all is well", "3  something is not, which is told with what to do", "10 no repository",
				"12 a login or a key was refused", "64 the command line or the configuration is wrong"),
		Example: `  appbur status --config /etc/appbur/appbur.yaml
  appbur status --repo ./mgmt.git --daemon localhost:9420 --kubeconfig mgmt.yaml
  appbur status --repo https://git.example/platform/mgmt.git --keys /secure/mgmt-keys --max-age 26h
  appbur status --repo ./mgmt.git --json | jq '.checks[] | select(.state != "ok")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return statusRun(cmd.Context(), e, o, cmd.Flags()) },
	}

	o.repositoryOptions.addFlags(e, command)
	command.Flags().Lookup("repo").Usage = "`DIR` of the repository, or the URL of a remote (default: $" + envRepository + ")"
	o.addTrustFlag(command)
	o.clusterOptions.addFlags(command)
	f := command.Flags()
	f.Lookup("kubeconfig").Usage = "kubeconfig `FILE` of the cluster to ask (default: that of --config, else none is asked)"
	f.StringVar(&o.config, "config", "", "YAML `FILE` of appbur run: its repository, schedules, cluster and where it serves metrics")
	f.StringVar(&o.daemon, "daemon", "",
		"`ADDR` where appbur run serves metrics: a port, or HOST:PORT (default: that of --config, if it is on this machine only)")
	f.StringVar(&o.credentials, "credentials", "",
		"`DIR` with the credential files of a URL (default: remotes/origin of the key directory)")
	f.BoolVar(&o.plaintext, "allow-plaintext", false,
		"accept http:// to another machine: anyone on the way can read and change everything")
	f.DurationVar(&o.greatestAge, "max-age", 0, "the last good point may be this `LONG` old, such as 26h (default: what the schedules say)")
	f.DurationVar(&o.grace, "grace", 15*time.Minute, "how `LONG` a point, a commit or a push may take")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func statusRun(ctx context.Context, e *env, o *statusCommand, flags *pflag.FlagSet) error {
	facts, err := o.gather(ctx, e, flags.Changed)
	if err != nil {
		return err
	}
	report := diagnosis.Judge(facts)

	if o.json {
		err = e.printJSON(statusAnswerOf(facts, report))
	} else {
		e.printStatus(report)
	}
	if err == nil && report.State != diagnosis.OK {
		return errPartly
	}
	return err
}
