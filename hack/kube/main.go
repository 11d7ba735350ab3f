//go:build unix

// Command kube builds the real Kubernetes servers that tests and the demo run:
// etcd, and kube-apiserver and kube-controller-manager of each version that has a
// nested module beside this file with them as tools, and kubelet, kube-proxy and
// kube-scheduler of those that have one in node. They go into the user's cache
// directory, once for all clones.
//
//	go run ./hack/kube                      # every version
//	go run ./hack/kube -versions 1.24.17    # some
//	go run ./hack/kube -print-dir           # where they are
//
// When KUBEBUILDER_ASSETS names a directory whose kube-apiserver is one of the
// wanted versions, that binary and its etcd are used and not built.
//
// # Adding a version
//
// add.sh pins one: a directory named like the release with a go.mod that lists
// the commands as tools, requires k8s.io/kubernetes at that release and replaces
// each staging module (`k8s.io/NAME v0.0.0` in its go.mod) by v0.MINOR.PATCH.
// Where the proxy lacks a staging module of that patch release, a near one is put
// into the go.mod by hand, with the reason. 1.24 is the oldest release that
// builds from its module as it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "kube: interrupted; finished binaries are kept, run again to continue")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "kube:", err)
		if hint := appbur.HintOf(err); hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", hint)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kube", flag.ContinueOnError)
	wanted := flags.String("versions", "", "comma-separated `versions` to build (default all)")
	printDir := flags.Bool("print-dir", false, "print the directory that holds one directory per version, and exit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := kubebuild.CacheDir()
	if err != nil {
		return err
	}

	if *printDir {
		fmt.Println(dir)
		return nil
	}
	sources, err := kubebuild.FindSources(".")
	if err != nil {
		return err
	}
	versions, err := selectVersions(sources, *wanted)
	if err != nil {
		return err
	}
	display := kubebuild.NewDisplay(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), time.Now)
	defer display.Close()

	for _, v := range versions {
		// A warning that is right before the build is right after it too.
		warned := map[string]bool{}
		builder := kubebuild.Builder{
			Store: kubebuild.Store{
				Sources: sources, Dir: dir, Assets: os.Getenv("KUBEBUILDER_ASSETS"),
				Warn: func(message string) {
					if !warned[message] {
						warned[message] = true
						display.Message("WARNING: " + message)
					}
				},
			},
			Report: display.Report,
		}
		binaries, err := builder.Build(ctx, v)
		if err != nil {
			return err
		}
		display.Message(strings.TrimSpace(
			fmt.Sprintf("%-8s ready: %s %s %s", v, binaries.Etcd, binaries.APIServer, binaries.ControllerManager)))

		if !sources.HasNode(v) {
			continue
		}
		node, err := builder.BuildNode(ctx, v)
		if err != nil {
			return err
		}
		display.Message(fmt.Sprintf("%-8s ready: %s %s %s", v, node.Kubelet, node.KubeProxy, node.Scheduler))
	}

	return nil
}

// selectVersions reads the -versions flag; empty means all there are.
func selectVersions(sources kubebuild.Sources, wanted string) ([]appbur.KubeVersion, error) {
	if wanted == "" {
		return sources.Versions()
	}
	var versions []appbur.KubeVersion
	for text := range strings.SplitSeq(wanted, ",") {
		v, err := appbur.ParseKubeVersion(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, nil
}
