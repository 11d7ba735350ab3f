package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/selection"
)

func newCompat(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "compat",
		Short: "Say whether what is saved can be restored, before it has to be",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newCompatCluster(e), newCompatRecord(e), newCompatPayload(e), newCompatSchema(e))
	return command
}

// compatName is what the findings and baselines of the command are called by.
const compatName = "appbur compat cluster"

type compatOptions struct {
	repositoryOptions
	clusterOptions
	selectionOptions
	reportOptions
	what string
	live bool
	from string
	to   []string
	all  bool
	json bool
	ask  askOptions
	// callers are looked for in audit logs.
	callers callerOptions
}

func newCompatCluster(e *env) *cobra.Command {
	o := &compatOptions{}
	command := &cobra.Command{
		Use:   "cluster POINT|PATH|- [KIND/NAME...] --to VERSION[,VERSION...]",
		Short: "Judge every object of a restore point, of manifests or of a cluster for Kubernetes versions",
		Long: `Judge every object for a Kubernetes version, without a cluster of that version:
served as it is, convertible (which fields change), lossy (what is lost), refused
(by the schema of its kind) or blocked (why, and what to do).

The objects are those of a restore point; of a PATH, that is a file or a directory
of manifests (with a / in it, or ending with .yaml, .yml or .json), in which
kustomizations are built; of standard input (-), such as what helm template prints;
or, with --live, those of the cluster of the kubeconfig, read as a backup reads it.
Nobody converts manifests, so an API version that is gone is an error there.

Several versions make a table with a column each. With --from and one version, each
release on the way is told: what happens there to which objects, and what to do
before that step. The table that this is judged by ends with Kubernetes ` + compat.TableEnd().MinorString() + `; a later
version is judged by the removals that were announced until then, and a warning says
so. --with-server and --against ask a real API server as well, by dry runs.` +
			exitStatus("0  everything can be restored, or applied; or what cannot is in the baseline",
				"10 no repository, no such point, or nothing that is meant",
				"20 some objects are blocked or refused; or manifests that a server of the version refuses",
				"64 a manifest cannot be read (the error names its line)"),
		Example: `  appbur compat cluster latest --to 1.37 --repo ./mgmt.git
  appbur compat cluster ./deploy --to 1.33,1.37 --output sarif=appbur.sarif
  helm template shop ./chart | appbur compat cluster - --to 1.37 --with-server
  appbur compat cluster --live -n team-a --to 1.37
  appbur compat cluster latest --from 1.24 --to 1.37 --repo ./mgmt.git`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !o.live {
				if len(args) == 0 {
					return &usageError{appbur.WithHint(errors.New("nothing to judge is named"),
						"name a restore point such as latest, a path such as ./deploy, - for standard input; or pass --live")}
				}
				o.what, args = args[0], args[1:]
			}
			o.words.Objects = args
			return compatClusterRun(cmd.Context(), e, o)
		},
	}

	o.repositoryOptions.addFlags(e, command)
	o.addTrustFlag(command)
	o.clusterOptions.addFlags(command)
	o.selectionOptions.addFlags(command)
	o.addHistoryFlags(e, command)
	o.reportOptions.addFlags(command)
	o.ask.addFlags(command)
	o.callers.addFlags(command)
	f := command.Flags()
	f.StringArrayVar(&o.to, "to", nil,
		"Kubernetes `VERSIONS` to judge for, such as 1.37; a comma-separated list, or repeatable (required without --against)")
	f.StringVar(&o.from, "from", "", "`VERSION` that the objects come from: tell each release between it and --to")
	f.BoolVar(&o.live, "live", false, "judge the cluster of the kubeconfig instead of what is saved or written")
	f.BoolVar(&o.all, "all", false, "list objects that need no change, and known findings, as well")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

// compatWanted is what the command line asks for.
type compatWanted struct {
	versions []appbur.KubeVersion
	// since is what --from says, or zero.
	since    appbur.KubeVersion
	selector selection.Selector
}

// path reports whether every release on the way is to be told.
func (w compatWanted) path() bool { return !w.since.IsZero() }

// readFlags reads the command line, before anything else is read.
func (o *compatOptions) readFlags() (w compatWanted, err error) {
	if len(listed(o.to)) == 0 && o.ask.against == "" {
		return w, &usageError{appbur.WithHint(errors.New("no version to judge for"), "pass --to VERSION, for example --to 1.37")}
	}
	for _, text := range listed(o.to) {
		version, err := appbur.ParseKubeVersion(text)
		if err != nil {
			return w, &usageError{appbur.WithHint(fmt.Errorf("--to: %w", err), "name the release of the cluster to restore into, as in --to 1.37")}
		}
		w.versions = append(w.versions, version)
	}
	slices.SortFunc(w.versions, appbur.KubeVersion.Compare)
	w.versions = slices.Compact(w.versions)
	if err := o.readFrom(&w); err != nil {
		return w, err
	}
	if err := o.ask.check(o, w); err != nil {
		return w, err
	}

	if w.selector, err = o.parse(); err != nil {
		return w, err
	}
	return w, o.readReport(o.json)
}

func (o *compatOptions) readFrom(w *compatWanted) (err error) {
	if o.from == "" {
		return nil
	}
	if w.since, err = appbur.ParseKubeVersion(o.from); err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("--from: %w", err), "name the release that the objects come from, as in --from 1.24")}
	}
	switch {
	case len(w.versions) != 1:
		return &usageError{appbur.WithHint(errors.New("--from tells the way to one version"), "pass one version with --to")}
	case !beyond(w.versions[0], w.since) || w.versions[0].Major != w.since.Major:
		return &usageError{appbur.WithHint(fmt.Errorf("--from %s is not before --to %s", o.from, w.versions[0].MinorString()),
			"--from is the release that the objects come from, --to the one that they shall go to")}
	}
	w.versions = verdicts.Releases(w.since, w.versions[0])
	return nil
}

func compatClusterRun(ctx context.Context, e *env, o *compatOptions) error {
	wanted, err := o.readFlags()
	if err != nil {
		return err
	}
	server, err := o.ask.target(ctx, &wanted)
	if err != nil {
		return err
	}
	source, err := o.open(ctx, e)
	if err != nil {
		return err
	}
	if wanted.path() {
		source.from = wanted.since
	}
	e.warnBeyond(wanted.versions)

	calls, err := o.callers.read(e)
	if err != nil {
		return err
	}
	made, err := o.judge(ctx, e, source, wanted)
	if err != nil {
		return err
	}
	made.calls = calls
	if made.asked, err = o.ask.ask(ctx, e, server, made); err != nil {
		return err
	}
	return o.tellCompat(e, made)
}

// tellCompat prints what was found, and returns what the command ends with.
func (o *compatOptions) tellCompat(e *env, made *compatResult) error {
	result := answer{report: made.report()}
	if err := o.settle(e, &result.report); err != nil {
		return err
	}
	made.findings = result.report
	result.table = func() { o.printCompat(e, made) }
	result.document = func() any { return o.compatDocument(made) }
	if err := o.print(e, result); err != nil {
		return err
	}

	if !result.report.Fails() {
		return nil
	}
	return &outcome{ExitIncompatible, "some objects would not be taken"}
}

// beyond reports whether a release, whatever its patch, is later than another.
func beyond(version, end appbur.KubeVersion) bool {
	version.Patch, end.Patch = 0, 0
	return version.Compare(end) > 0
}

// warnBeyond warns of releases that the table does not cover.
func (e *env) warnBeyond(versions []appbur.KubeVersion) {
	end := compat.TableEnd()
	for _, version := range versions {
		if beyond(version, end) {
			e.warn("what this release knows of Kubernetes ends with %s: of %s it knows only the removals that were announced until then, "+
				"so served means not known to be gone; ask a real target with `appbur plan`", end.MinorString(), version.MinorString())
			return
		}
	}
}
