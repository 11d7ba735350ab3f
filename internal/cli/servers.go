package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane"
	"github.com/appbur/appbur/internal/controlplane/binaries"
)

// serverOptions say where the programs of control planes are looked for.
type serverOptions struct{ dirs []string }

func (o *serverOptions) addFlags(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.dirs, "servers", nil,
		"`DIR` with etcd, kube-apiserver and kube-controller-manager, or with a directory of them for each version; repeatable (default: "+
			"$KUBEBUILDER_ASSETS, and where `make servers` and setup-envtest put them)")
}

// places are the directories to look in.
func (o *serverOptions) places(e *env) binaries.Places {
	if len(o.dirs) > 0 {
		return o.dirs
	}
	var places binaries.Places
	if assets := e.getenv("KUBEBUILDER_ASSETS"); assets != "" {
		places = append(places, assets)
	}
	home := e.getenv("HOME")
	below := func(variable, standard, path string) {
		switch base := e.getenv(variable); {
		case filepath.IsAbs(base):
			places = append(places, filepath.Join(base, path))
		case home != "":
			places = append(places, filepath.Join(home, standard, path))
		}
	}
	below("XDG_CACHE_HOME", ".cache", "appbur/kube")
	below("XDG_DATA_HOME", ".local/share", "kubebuilder-envtest/k8s")
	return places
}

// find finds the programs of a version.
func (o *serverOptions) find(ctx context.Context, e *env, version string) (binaries.Found, error) {
	wanted, err := binaries.ParseWanted(version)
	if err != nil {
		return binaries.Found{}, &usageError{appbur.WithHint(fmt.Errorf("--kubernetes: %w", err), "for example --kubernetes 1.37")}
	}
	found, err := o.places(e).Find(ctx, wanted)
	var missing *binaries.NotFoundError
	if errors.As(err, &missing) {
		return found, &usageError{appbur.WithHint(err,
			"pass --servers DIR with a directory that has etcd, kube-apiserver and kube-controller-manager of it (docs/drill.md says how to get one)")}
	}
	return found, err
}

// start starts a control plane of a version. One without controllers is told of: what it proves is less.
func (o *serverOptions) start(ctx context.Context, e *env, version string) (*controlplane.Cluster, binaries.Found, error) {
	found, err := o.find(ctx, e, version)
	if err != nil {
		return nil, found, err
	}
	if found.Binaries.ControllerManager == "" {
		e.warnWithHint(fmt.Sprintf("%s has no kube-controller-manager: no garbage collector looks at owner references, no namespace gets its "+
			"default ServiceAccount, and no other controller acts on what is there", found.Dir), "name a directory that has one with --servers DIR")
	}
	cluster, err := controlplane.Start(ctx, controlplane.Options{Version: found.Version, Binaries: found.Binaries})
	return cluster, found, err
}
