package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/leader"
	"github.com/appbur/appbur/internal/workingcopy"
	"github.com/appbur/appbur/pkg/gitsync"
)

// addLeaderElectionFlags adds the flags that say which of several daemons writes; they are called as those of the
// components of Kubernetes. Their values come with the configuration (runflags.go).
func addLeaderElectionFlags(command *cobra.Command) {
	f := command.Flags()
	f.Bool("leader-elect", false, "write only while this process holds a Lease, and stand by otherwise; for two or more of them")
	f.String("leader-elect-resource-namespace", "", "`NAMESPACE` of the Lease (default: that of the pod, or of the kubeconfig's context)")
	f.String("leader-elect-resource-name", configuration.DefaultLease, "`NAME` of the Lease")
	f.String("leader-elect-identity", "", "what the Lease calls this process, a `NAME` that no other has (default: the host's, and random digits)")
	f.Duration("leader-elect-lease-duration", 15*time.Second, "wait so `LONG` for a leader that is not heard of")
	f.Duration("leader-elect-renew-deadline", 10*time.Second, "write on for so `LONG` without renewing the Lease")
	f.Duration("leader-elect-retry-period", 2*time.Second, "look at the Lease so `OFTEN`")
}

// elector returns who decides whether this process may write, nil if it may in any case.
func (o *runOptions) elector(e *env, c configuration.LeaderElection, seen *observed, log *slog.Logger) (*leader.Elector, error) {
	if !c.LeaderElect {
		return nil, nil
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	namespace, err := o.leaseNamespace(c.ResourceNamespace)
	if err != nil {
		return nil, err
	}
	identity, err := leaderIdentity(c.Identity, e.rand)
	if err != nil {
		return nil, err
	}
	elector, err := leader.New(config, leader.Options{
		Namespace: namespace, Name: c.ResourceName, Identity: identity, Timing: c.Timing, Now: e.now, Log: log,
		Changed: seen.metrics.SetLeader,
	})
	if err == nil {
		seen.elector.Store(elector)
	}
	return elector, err
}

// leaseNamespace is where the Lease is.
func (o *clusterOptions) leaseNamespace(chosen string) (string, error) {
	if chosen != "" {
		return chosen, nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.context}
	namespace, _, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).Namespace()
	if err != nil {
		return "", fmt.Errorf("the namespace of the Lease: %w", err)
	}
	return namespace, nil
}

// leaderIdentity is a name that no other process has, nor this one after it was started again: so the Lease tells them
// apart, whatever pods and hosts are called.
func leaderIdentity(chosen string, random io.Reader) (string, error) {
	if chosen != "" {
		return chosen, nil
	}
	digits := make([]byte, 4)
	if _, err := io.ReadFull(random, digits); err != nil {
		return "", fmt.Errorf("choosing an identity for the Lease: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "appbur"
	}
	return host + "_" + hex.EncodeToString(digits), nil
}

// whileLeading does work as often and as long as this process is the one that may write: once and until it ends
// where nobody is elected.
func whileLeading(ctx context.Context, elector *leader.Elector, work leader.Work) error {
	if elector == nil {
		return work(ctx)
	}
	return elector.Run(ctx, work)
}

// settle makes this process the one that writes to this directory: whoever was in the middle of a write when it was elected
// has ended that, or is refused.
func (d *daemonRun) settle(ctx context.Context) error {
	if d.elector == nil {
		return nil
	}
	if empty, err := workingcopy.Vacant(d.options.repo); empty || err != nil {
		return err // nobody else writes to what is not there
	}
	repo, _, err := d.options.writable(d.env)
	if err != nil {
		return err
	}
	for {
		err := repo.Settle(ctx)
		if !errors.Is(err, gitsync.ErrLocked) {
			return err
		}
		d.log.Warn("the repository is locked; nothing is written until it is not any more", "reason", err.Error())
	}
}
