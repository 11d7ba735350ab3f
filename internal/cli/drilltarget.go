package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/appbur/appbur"
)

// openTarget starts a control plane, unless a cluster is given.
func (d *drill) openTarget(ctx context.Context) error {
	if d.target.kubernetes == "" {
		_, err := d.restore.restConfig()
		return err
	}
	began := d.e.now()
	bar := d.e.bar("starting Kubernetes "+d.target.kubernetes, "")
	cluster, found, err := d.target.servers.start(ctx, d.e, d.target.kubernetes)
	bar.finish()
	if err != nil {
		return err
	}
	d.cluster, d.programs = cluster, found.Dir
	d.restore.kubeconfig = cluster.Kubeconfig
	d.phase("starting the control plane", began, false)
	return nil
}

// closeTarget stops what was started.
func (d *drill) closeTarget() {
	if d.cluster == nil {
		return
	}
	if err := d.cluster.Stop(); err != nil {
		d.e.warn("%v", err)
	}
}

// kubeconfigFor writes a kubeconfig of the target for commands, which need not know of contexts and of several files.
func (d *drill) kubeconfigFor(dir string) string {
	if d.cluster != nil {
		return d.cluster.Kubeconfig
	}
	o := d.restore
	raw := o.kubeconfigFile()
	path := filepath.Join(dir, "kubeconfig")
	chosen := *raw
	chosen.CurrentContext = o.contextName()
	if clientcmdapi.MinifyConfig(&chosen) != nil || clientcmd.WriteToFile(chosen, path) != nil {
		return o.kubeconfig
	}
	return path
}

// ownNamespaces are in every cluster.
var ownNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}

// errDrillTarget refuses a target.
var errDrillTarget = errors.New("a drill does not restore into this cluster")

// admit refuses the cluster that the history is of in any case, and one that is not empty unless somebody agreed.
func (d *drill) admit(made planned, target targetCluster) error {
	if d.cluster != nil {
		return nil
	}
	switch {
	case target.unknown != nil:
		return &usageError{appbur.WithHint(fmt.Errorf("%w: which one it is, is not known: %w", errDrillTarget, target.unknown),
			"let the account get the namespace kube-system")}
	case target.Source || target.ID == made.plan.Source.ID:
		return &usageError{appbur.WithHint(fmt.Errorf("%w: it is the one that the restore point, or the history, is of", errDrillTarget),
			"name a cluster that can be thrown away, or pass --kubernetes VERSION to have one started")}
	case d.target.occupied:
		return nil
	}

	existing, err := made.cluster.Existing(context.Background(), "v1", "Namespace")
	if err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("%w: whether it is empty is not known: %w", errDrillTarget, err),
			"let the account list namespaces, or pass --occupied if nothing in it matters")}
	}
	var others []string
	for id := range existing {
		if !slices.Contains(ownNamespaces, id.Name) {
			others = append(others, id.Name)
		}
	}
	if len(others) == 0 {
		return nil
	}
	slices.Sort(others)
	return &usageError{appbur.WithHint(
		fmt.Errorf("%w: it is not empty: it has %s: %s", errDrillTarget, count(len(others), "namespace"), appbur.Shortlist(others, shownNames)),
		"name an empty cluster, or pass --occupied if nothing in it matters")}
}

// narrator is the env of what a drill does as other commands do: what they answer is told beside the answer of the drill, or
// not at all where that is JSON.
func (d *drill) narrator() *env {
	told := *d.e
	streams := *d.e.Streams
	streams.Out, streams.OutTerminal = streams.Err, streams.ErrTerminal
	if d.json {
		streams.Out, streams.OutTerminal = discard{}, false
	}
	told.Streams = &streams
	return &told
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
