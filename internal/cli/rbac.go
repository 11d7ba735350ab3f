package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/accessrules"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/programs"
	"github.com/appbur/appbur/pkg/exporter"
)

type rbacOptions struct {
	repositoryOptions
	clusterOptions
	appOptions
	finding labelOptions
	config  string
	types   []string
	all     bool
	account accessrules.Account
	asJSON  bool
}

func newRBAC(e *env) *cobra.Command {
	o := &rbacOptions{}
	command := &cobra.Command{
		Use:   "rbac",
		Short: "Print the rights that the account of appbur run needs, to be applied",
		Long: `Print a ServiceAccount with the rights that ` + "`appbur run`" + ` needs in a cluster, and no
others: to list and to watch the types that it saves, and what its settings need besides. It
changes nothing; ` + "`kubectl apply -f -`" + ` does.

The types are those that the cluster serves and that the rules of the repository do not leave
out. A type that comes later needs another run of this command; until then points are
partial, and say so. With --type they are the ones that are named, and with --all-types all
of them, also those to come; neither asks a cluster.

The settings are those of run: its flags, or the file that it reads with --config.` +
			exitStatus("0  printed", "3  API groups cannot be read now, and the rights to their types are missing", "10 no repository",
				"12 the cluster refused the login", "64 the command line or the configuration is wrong"),
		Example: `  appbur rbac --repo ./mgmt.git --find-apps --schedule "nightly=30 2 * * *" | kubectl apply -f -
  appbur rbac --config appbur.yaml --kubeconfig mgmt.yaml --namespace backup
  appbur rbac --all-types --config appbur.yaml > rbac.yaml
  appbur rbac --type configmaps,secrets,deployments.apps --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return rbacRun(cmd.Context(), e, o, cmd.Flags()) },
	}
	o.repositoryOptions.addFlags(e, command)
	o.clusterOptions.addFlags(command)
	o.finding.addFlags(command)
	f := command.Flags()
	f.StringArrayVar(&o.targets, "app", nil, "`[NS/]NAME=ADDRESS` of an application, as of run; repeatable")
	f.StringVar(&o.token, "app-token-file", "", "`FILE` with the token that is shown to applications, as of run; it is not read")
	f.StringVar(&o.config, "config", "", "YAML `FILE` with the settings of run")
	f.Bool("leader-elect", false, "several daemons elect one of them, as of run")
	f.String("leader-elect-resource-namespace", "", "`NAMESPACE` of the Lease (default: that of the account)")
	f.String("leader-elect-resource-name", configuration.DefaultLease, "`NAME` of the Lease")
	f.String("audit-service", "", "`NAME` of a Service that leads to the daemon that leads, as of run")
	f.StringArray("schedule", nil, "`[NAME=]CRON` of restore points, as of run; repeatable")

	f.StringArrayVar(&o.types, "type", nil,
		"these `TYPES` are saved, for example secrets,deployments.apps: resources with their groups, in a comma-separated list, or repeatable")
	f.BoolVar(&o.all, "all-types", false, "all types are saved, also those that the cluster does not have yet")
	f.StringVarP(&o.account.Namespace, "namespace", "n", "appbur-system", "`NAMESPACE` of the account")
	f.StringVar(&o.account.Name, "name", "appbur", "`NAME` of the account, of its roles and of their bindings")
	jsonFlag(command, &o.asJSON)
	return command
}

func rbacRun(ctx context.Context, e *env, o *rbacOptions, flags *pflag.FlagSet) error {
	settings, err := settingsOfRun(e, o.config, flags)
	if err != nil {
		return err
	}
	o.obey(settings.Value)
	if err := o.check(); err != nil {
		return err
	}
	work, unknown, err := o.work(ctx, e, settings)
	if err != nil {
		return err
	}

	objects := accessrules.Objects(o.account, work)
	if o.asJSON {
		err = e.printJSON(struct {
			APIVersion string               `json:"apiVersion"`
			Kind       string               `json:"kind"`
			Items      []accessrules.Object `json:"items"`
		}{"v1", "List", objects})
	} else {
		var text []byte
		if text, err = accessrules.YAML(objects); err == nil {
			_, err = e.Out.Write(text)
		}
	}
	if err == nil && unknown {
		return errPartly
	}
	return err
}

// obey takes the settings that say which cluster and which repository.
func (o *rbacOptions) obey(c configuration.Configuration) {
	o.repo, o.keys = c.Repository.Path, c.Repository.Keys
	o.kubeconfig, o.context = c.Cluster.Kubeconfig, c.Cluster.Context
}

// check refuses what names no account, and what says twice which types are meant.
func (o *rbacOptions) check() error {
	if o.all && len(o.types) > 0 {
		return &usageError{appbur.WithHint(errors.New("--type and --all-types do not go together"), "leave one of them out")}
	}
	for flag, name := range map[string]string{"--namespace": o.account.Namespace, "--name": o.account.Name} {
		if wrong := validation.IsDNS1123Label(name); len(wrong) > 0 {
			return &usageError{appbur.WithHint(fmt.Errorf("%s: %q is no name: %s", flag, name, strings.Join(wrong, "; ")),
				"for example "+flag+" backup")}
		}
	}
	return nil
}

// work is what the account is to do. Some of it is unknown where API groups cannot be read.
func (o *rbacOptions) work(ctx context.Context, e *env, settings *runSettings) (work accessrules.Work, unknown bool, err error) {
	c := settings.Value
	work = accessrules.Work{
		LeadsService: c.Audit.Webhook.Service,
		SavesAll:     o.all, MakesPoints: len(c.Points.Schedules) > 0, FindsApps: c.Apps.Find, ShowsToken: c.Apps.TokenFile != "",
	}
	work.Lease.Namespace = c.LeaderElection.ResourceNamespace
	if c.LeaderElection.LeaderElect {
		work.Lease.Name = c.LeaderElection.ResourceName
	}
	for _, app := range c.Apps.Named {
		target, err := apps.Parse(app.Name + "=" + app.Address)
		if err != nil {
			return work, false, &usageError{appbur.WithHint(fmt.Errorf("--app: %w", err), "for example --app fleet-system/fleet=fleet.example:7443")}
		}
		if _, isProgram := programs.File(target.Address); isProgram {
			work.Commands = append(work.Commands, target.Namespace)
			continue
		}
		work.Named = append(work.Named, target.AppKey)
	}
	for _, in := range c.Apps.Commands {
		work.Commands, work.Declared = append(work.Commands, in.Namespace), append(work.Declared, in.Namespace)
	}

	switch {
	case o.all:
	case len(o.types) > 0:
		work.Saved, err = o.named()
	default:
		o.leaveOutOtherPlaces(e, settings)
		work.Saved, unknown, err = o.discovered(ctx, e)
	}
	return work, unknown, err
}

func (o *rbacOptions) named() ([]accessrules.Resource, error) {
	var named []accessrules.Resource
	for _, text := range listed(o.types) {
		resource, err := accessrules.ParseResource(text)
		if err != nil {
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--type: %w", err),
				"for example --type secrets,deployments.apps; `kubectl api-resources -o name` prints all of a cluster")}
		}
		named = append(named, resource)
	}
	return named, nil
}

// leaveOutOtherPlaces forgets the repository that a file names for a pod and that is not here.
func (o *rbacOptions) leaveOutOtherPlaces(e *env, settings *runSettings) {
	if _, err := os.Stat(o.repo); err == nil || o.repo == "" || settings.Source("repository.path").Line == 0 {
		return
	}
	e.warn("the repository %s of the configuration is not here, so the rules of its appbur.yaml are not considered; --repo DIR names a copy",
		o.repo)
	o.repo = ""
}

// discovered are the types of the cluster that are saved.
func (o *rbacOptions) discovered(ctx context.Context, e *env) (saved []accessrules.Resource, unknown bool, err error) {
	rules, err := o.rules(e)
	if err != nil {
		return nil, false, err
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, false, appbur.WithHint(err, hintOf(err)+"; --type and --all-types need no cluster")
	}
	source, err := exporter.New(config, rules, exporter.Options{Now: e.now})
	if err != nil {
		return nil, false, err
	}
	types, failed, err := source.Discover(ctx)
	if err != nil {
		return nil, false, clusterHint(err)
	}

	for _, t := range types {
		if _, leftOut := rules.ExcludesKind(t.GroupKind()); leftOut {
			continue
		}
		gvr := t.GroupVersionResource
		saved = append(saved, accessrules.Resource{Group: gvr.Group, Name: gvr.Resource, Watched: t.Watchable})
	}
	for _, f := range failed {
		if f.Virtual {
			continue
		}
		unknown = true
		e.warn("the types of %s are not known, and the rights to them are missing: %s", f.GroupVersion, f.Reason)
	}
	return saved, unknown, nil
}
