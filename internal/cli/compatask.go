package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane"
	"github.com/appbur/appbur/internal/controlplane/binaries"
	"github.com/appbur/appbur/internal/serverask"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
)

// askOptions say which API servers are asked besides the table.
type askOptions struct {
	against    string
	withServer bool
	binaries   []string
}

func (o *askOptions) addFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringVar(&o.against, "against", "",
		"`KUBECONFIG` of a cluster that is asked about each object by a dry run (dryRun=All); --to is its version")
	f.BoolVar(&o.withServer, "with-server", false,
		"start a throwaway API server of each version of --to, and ask it about each object; definitions among the objects count")
	f.StringArrayVar(&o.binaries, "server-binaries", nil,
		"`DIR` with etcd and kube-apiserver, or with a directory of them for each version; repeatable "+
			"(default: $KUBEBUILDER_ASSETS, what setup-envtest and `make servers` keep)")
}

// wanted reports whether any server is asked.
func (o *askOptions) wanted() bool { return o.against != "" || o.withServer }

func (o *askOptions) check(all *compatOptions, w compatWanted) error {
	switch {
	case o.against != "" && o.withServer:
		return &usageError{appbur.WithHint(errors.New("--against and --with-server ask different servers"), "leave one of them out")}
	case o.wanted() && all.from != "":
		return &usageError{appbur.WithHint(errors.New("--from tells the way by the table, no server is asked"),
			"leave --from out; --with-server takes several versions with --to")}
	case o.against != "" && len(w.versions) > 1:
		return &usageError{appbur.WithHint(errors.New("--against asks a cluster, which has one version"), "leave --to out")}
	case len(o.binaries) > 0 && !o.withServer:
		return &usageError{appbur.WithHint(errors.New("--server-binaries is for --with-server"), "pass --with-server as well")}
	}
	return nil
}

// target connects to the cluster of --against, whose version is judged for; nil without one.
func (o *askOptions) target(ctx context.Context, wanted *compatWanted) (*serverask.Server, error) {
	if o.against == "" {
		return nil, nil //nolint:nilnil // no server is asked
	}
	config, err := (&clusterOptions{kubeconfig: o.against}).restConfig()
	if err != nil {
		return nil, fmt.Errorf("--against: %w", err)
	}
	asked, err := serverask.Connect(ctx, config)
	if err != nil {
		return nil, clusterHint(fmt.Errorf("--against: %s: %w", server(config), err))
	}
	if len(wanted.versions) > 0 && wanted.versions[0].MinorString() != asked.Version.MinorString() {
		return nil, &usageError{appbur.WithHint(
			fmt.Errorf("the cluster of --against is Kubernetes %s, --to is %s", asked.Version, wanted.versions[0].MinorString()),
			"leave --to out, or name another cluster")}
	}
	wanted.versions = []appbur.KubeVersion{asked.Version}
	return asked, nil
}

// askedServer is what one server said, by the place of its version among those that were judged for.
type askedServer struct {
	Version appbur.KubeVersion
	answers []askedObject
}

// askedObject is what the table and the server say of an object.
type askedObject struct {
	judged  verdicts.Judged
	verdict compat.Verdict
	answer  verdicts.Answer
}

// ask asks each server about each object. It needs what was kept.
func (o *askOptions) ask(ctx context.Context, e *env, against *serverask.Server, made *compatResult) ([]askedServer, error) {
	if against != nil {
		asked, err := askAll(ctx, e, against, made, 0, false)
		return []askedServer{asked}, err
	}
	if !o.withServer {
		return nil, nil
	}
	var all []askedServer
	for i := range made.versions {
		asked, err := o.askThrowaway(ctx, e, made, i)
		if err != nil {
			return nil, err
		}
		all = append(all, asked)
	}
	return all, nil
}

// askThrowaway starts a server of a version, asks it, and stops it.
func (o *askOptions) askThrowaway(ctx context.Context, e *env, made *compatResult, version int) (asked askedServer, err error) {
	text := made.versions[version].MinorString()
	if made.versions[version].Patch > 0 {
		text = made.versions[version].String()
	}
	wanted, err := binaries.ParseWanted(text)
	if err != nil {
		return asked, err
	}
	found, err := o.places(e).Find(ctx, wanted)
	if isType[*binaries.NotFoundError](err) {
		return asked, &notFoundError{appbur.WithHint(err,
			"fetch them with `setup-envtest use "+text+"`, or name a directory with etcd and kube-apiserver with --server-binaries DIR")}
	}
	if err != nil {
		return asked, err
	}

	found.Binaries.ControllerManager = "" // nothing has to be run, only judged
	cluster, err := controlplane.Start(ctx, controlplane.Options{Version: found.Version, Binaries: found.Binaries})
	if err != nil {
		return asked, fmt.Errorf("starting a server of Kubernetes %s: %w", found.Version, err)
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	asking, err := serverask.Connect(ctx, cluster.RESTConfig())
	if err != nil {
		return asked, err
	}
	if err := furnish(ctx, asking, made, version); err != nil {
		return asked, err
	}
	return askAll(ctx, e, asking, made, version, true)
}

// places are the directories that may hold servers.
func (o *askOptions) places(e *env) binaries.Places {
	if len(o.binaries) > 0 {
		return o.binaries
	}
	var places binaries.Places
	if assets := e.getenv("KUBEBUILDER_ASSETS"); assets != "" {
		places = append(places, assets)
	}
	home := e.getenv("HOME")
	for _, dir := range []string{
		filepath.Join(cmp.Or(e.getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share")), "kubebuilder-envtest", "k8s"),
		filepath.Join(cmp.Or(e.getenv("XDG_CACHE_HOME"), filepath.Join(home, ".cache")), "appbur", "kube"),
	} {
		if _, err := os.Stat(dir); err == nil {
			places = append(places, dir)
		}
	}
	return places
}

// furnish creates what other objects need, as the version takes it.
func furnish(ctx context.Context, server *serverask.Server, made *compatResult, version int) error {
	var contents []map[string]any
	var namespaces []string
	accounts := map[[2]string]bool{}
	for _, object := range made.kept {
		if content, ok := made.sent(object, made.targets[version]); ok {
			contents = append(contents, content)
		}
		if object.ID.Namespace != "" && !slices.Contains(namespaces, object.ID.Namespace) {
			namespaces = append(namespaces, object.ID.Namespace)
		}
		if name := accountOf(object); name != "" {
			accounts[[2]string{cmp.Or(object.ID.Namespace, "default"), name}] = true
		}
	}
	for account := range accounts { // pods are refused without theirs
		contents = append(contents, map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"namespace": account[0], "name": account[1]},
		})
	}
	return server.Furnish(ctx, contents, namespaces)
}

// accountOf is the account that a pod runs as.
func accountOf(object verdicts.Object) string {
	if object.ID.Kind != "Pod" || object.ID.Group != "" {
		return ""
	}
	spec, _ := object.Content["spec"].(map[string]any)
	name, _ := spec["serviceAccountName"].(string)
	return cmp.Or(name, "default")
}

// sent is an object as the server would get it: manifests as they are written, others as a restore converts them. It is
// false for what is sealed.
func (r *compatResult) sent(object verdicts.Object, target compat.Target) (map[string]any, bool) {
	if _, sealed := object.Content[appbur.SealedKey]; sealed {
		return nil, false
	}
	if r.origin == verdicts.Manifests {
		return object.Content, true
	}
	converted, err := compat.Convert(object.Content, compat.Judge(object.Content, target), target)
	if err != nil {
		return object.Content, true // the server shall say so itself
	}
	return converted, true
}

// askedAtOnce bounds the requests that are under way.
const askedAtOnce = 8

// askAll asks a server about everything. One that exists lacks the definitions that are only among the objects.
func askAll(
	ctx context.Context, e *env, server *serverask.Server, made *compatResult, version int, throwaway bool,
) (askedServer, error) {
	asked := askedServer{Version: server.Version}
	bar := e.bar("asking a server", "objects")
	defer bar.finish()
	if made.defined == nil && !throwaway {
		made.defined = definedIn(made.kept)
	}
	objects := map[verdictKey]verdicts.Object{}
	for _, object := range made.kept {
		objects[keyOf(object.ID, object.File, object.Line)] = object
	}

	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	asked.answers = make([]askedObject, len(made.judged))
	var mu sync.Mutex
	done := 0
	for i, judged := range made.judged {
		group.Go(func() error {
			one := askedObject{judged: judged, verdict: judged.For[version]}
			content, ok := made.sent(objects[keyOf(judged.ID, judged.File, judged.Line)], made.targets[version])
			if !ok {
				one.answer = verdicts.Answer{Kind: verdicts.Unasked, Said: "its values are sealed"}
			} else {
				var err error
				if one.answer, err = server.Ask(ctx, content); err != nil {
					return err
				}
				if one.answer.Kind == verdicts.Unserved && made.defined[judged.ID.GroupKind()] {
					one.answer = verdicts.Answer{Kind: verdicts.Unasked, Said: "the definitions of their kinds are not in the server"}
				}
			}
			asked.answers[i] = one
			locked(&mu, func() {
				done++
				bar.setInts(done, len(made.judged))
			})
			return nil
		})
	}
	return asked, group.Wait()
}

// definedIn are the kinds that definitions among the objects are about.
func definedIn(objects []verdicts.Object) map[appbur.GroupKind]bool {
	kinds := map[appbur.GroupKind]bool{}
	for _, object := range objects {
		if resource, ok := resourceOf(object.Content); ok {
			kinds[resource.Kind] = true
		}
	}
	return kinds
}

// verdictKey finds an object again.
type verdictKey struct {
	id   appbur.ObjectID
	file string
	line int
}

func keyOf(id appbur.ObjectID, file string, line int) verdictKey { return verdictKey{id, file, line} }
