package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/heappace"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/session"
)

// planOptions are what plan and restore have in common: the same options give the
// same plan.
type planOptions struct {
	repositoryOptions
	clusterOptions
	partOptions
	point  string
	policy restore.Policy
	// conflicts is what --conflicts says, "" for fail.
	conflicts string
	rewrites  rewriteOptions
	statuses  statusOptions
	noLock    bool
	pruning   pruneOptions
	pauses    pauseOptions
	finding   findOptions
	appOrder  appOrderOptions
	phases    phaseOptions
	silence   silenceOptions
	// pointRead is called when the restore point has been read; it may be nil.
	pointRead func()
}

// planned is a plan with what it was made of.
type planned struct {
	plan    *restore.Plan
	repo    *repository.Repository
	loaded  *repository.Loaded
	rules   *manifest.Rules
	config  *rest.Config
	cluster restore.Cluster
	// plain is the cluster as it is, where cluster shows silenced webhooks as they were before.
	plain restore.Cluster
	// after says which applications wait for others.
	after waits
	// besides are the rights that a restore needs for its lock.
	besides []restore.Right
	// unnoted says that the repository need not remember the restore: the target is thrown away.
	unnoted bool
}

func (o *planOptions) addFlags(e *env, command *cobra.Command) {
	o.repositoryOptions.addFlags(e, command)
	o.addReadFlags(e, command)
	o.addHistoryFlags(e, command)
	o.clusterOptions.addFlags(command)
	o.partOptions.addFlags(command)
	o.rewrites.addFlags(command)
	o.statuses.addFlags(command)
	o.pauses.addFlags(command)
	o.addPolicyFlags(command)
}

func (o *planOptions) addPolicyFlags(command *cobra.Command) {
	command.Flags().BoolVar(&o.policy.AllowBlocked, "allow-blocked", false, "go on without objects that the target cannot take")
	command.Flags().BoolVar(&o.policy.ForceConflicts, "force-conflicts", false, "the same as --conflicts force")
	command.Flags().BoolVar(&o.policy.ReplaceImmutable, "replace-immutable", false,
		"delete and create again existing objects of which fields cannot be changed; never namespaces, definitions, claims, volumes")
	command.Flags().StringVar(&o.conflicts, "conflicts", conflictsFail,
		"existing objects with differing fields of other managers: `fail` (end with 3), skip (leave them out), or force (take the fields)")
}

// What --conflicts takes.
const (
	conflictsFail  = "fail"
	conflictsSkip  = "skip"
	conflictsForce = "force"
)

// readPolicy reads what --conflicts says.
func (o *planOptions) readPolicy() error {
	switch o.conflicts {
	case conflictsForce:
		o.policy.ForceConflicts = true
	case conflictsSkip:
		if o.policy.ForceConflicts {
			return &usageError{appbur.WithHint(errors.New("--conflicts skip and --force-conflicts contradict each other"), "leave one of them out")}
		}
		o.policy.SkipConflicts = true
	case conflictsFail, "":
	default:
		return &usageError{appbur.WithHint(fmt.Errorf("--conflicts: %q is not known", o.conflicts), "pass --conflicts fail, skip or force")}
	}
	return nil
}

// lockRights are what a run needs for its lock.
func (o *planOptions) lockRights() []restore.Right {
	if o.noLock {
		return nil
	}
	return session.Rights()
}

func (o *planOptions) addLockFlag(command *cobra.Command) {
	command.Flags().BoolVar(&o.noLock, "no-lock", false,
		"keep nothing in the target that says who restores and what was done, for accounts that may not: others are not stopped")
}

func (o *planOptions) make(ctx context.Context, e *env) (planned, error) {
	selector, err := o.parse()
	if err != nil {
		return planned{}, err
	}
	if err := o.readPolicy(); err != nil {
		return planned{}, err
	}
	if err := o.checkPrune(); err != nil {
		return planned{}, err
	}
	if err := o.rewrites.read(); err != nil {
		return planned{}, err // before any long work
	}
	if err := o.pauses.read(); err != nil {
		return planned{}, err
	}
	if err := o.finding.check(o.rewrites); err != nil {
		return planned{}, err
	}
	if err := o.phases.read(); err != nil {
		return planned{}, err
	}
	config, err := o.restConfig()
	if err != nil {
		return planned{}, err
	}
	repo, loaded, point, err := o.readPoint(ctx, e, o.point)
	if err != nil {
		return planned{}, err
	}
	if o.pointRead != nil {
		o.pointRead()
	}
	rules, err := repo.ManifestRules()
	if err != nil {
		return planned{}, err
	}
	if point, err = o.phases.put(e, point); err != nil {
		return planned{}, err
	}
	after, err := o.appOrder.read(e, point)
	if err != nil {
		return planned{}, err
	}
	keeps, err := o.statuses.keeps(e, point)
	if err != nil {
		return planned{}, err
	}
	if point, err = o.choose(e, selector, point); err != nil {
		return planned{}, err
	}
	if keeps != nil {
		point = point.WithStatusOf(keeps)
	}

	bar := e.bar("reading the target", progress.Uncounted)
	defer bar.finish()
	target, err := targetOf(ctx, e, config)
	if err != nil {
		return planned{}, err
	}
	plan, err := o.planFor(ctx, config, point, target)
	if err != nil {
		return planned{}, err
	}
	cluster, err := restore.NewCluster(config)
	if err != nil {
		return planned{}, err
	}
	bar.finish()
	made := planned{plan: plan, repo: repo, loaded: loaded, rules: rules, config: config, cluster: cluster, after: after}
	made.besides = slices.Concat(o.lockRights(), o.finding.rights(plan.Apps, o.rewrites))
	if o.policy.ReplaceImmutable {
		if err := restore.Replace(ctx, made.plan, made.cluster, made.rules); err != nil {
			return planned{}, clusterHint(err)
		}
	}
	return made, o.addPrune(ctx, e, made)
}

// planFor asks the target what the plan has to know of it, and plans.
func (o *planOptions) planFor(ctx context.Context, config *rest.Config, point restore.Point, target compat.Target) (*restore.Plan, error) {
	cluster, err := restore.NewCluster(config)
	if err != nil {
		return nil, err
	}
	if point, err = o.rewrites.rewrite(ctx, cluster, target, restore.Unsilenced(point)); err != nil {
		return nil, err
	}
	if o.rewrites.renames() {
		point.Covered = nil // what it lacks under other names says nothing about the cluster
	}
	if point, err = o.pauses.pause(ctx, config, cluster, target, point); err != nil {
		return nil, err
	}
	surroundings, err := restore.Survey(ctx, point, target, cluster)
	if err != nil {
		return nil, clusterHint(err)
	}
	plan, err := restore.NewPlan(point, target, restore.Options{Policy: o.policy, Surroundings: surroundings})
	if isType[*restore.PhaseCycleError](err) {
		return nil, o.phases.mistake(err)
	}
	return plan, err
}

// readPoint reads a point for the restore engine, which takes its objects and its index: what
// is loaded keeps neither.
func (o *repositoryOptions) readPoint(
	ctx context.Context, e *env, name string,
) (*repository.Repository, *repository.Loaded, restore.Point, error) {
	c, opener, err := o.openPoint(e, name)
	if err != nil {
		return nil, nil, restore.Point{}, err
	}
	e.paceHeap()
	bar := e.bar("reading the restore point", "objects")
	defer bar.finish()

	var objects restore.Objects
	loaded, err := c.repo.LoadEach(ctx, c.ref, opener, bar.setInts, func(object repository.Object) { objects.Add(restorable(object)) })
	if err != nil {
		return nil, nil, restore.Point{}, err
	}
	objects.Sort()
	loaded.Index = restore.TrimIndex(loaded.Index)
	point := pointOf(loaded)
	point.Objects, loaded.Index = objects, nil
	return c.repo, loaded, point, nil
}

// heapPace trades time for memory where a large point is in it (docs/performance.md).
var heapPace = heappace.Pace{Room: 16 << 20, Percent: 20}

// paceHeap is for commands that hold a large point, or watch a large cluster.
func (e *env) paceHeap() {
	if e.collect != nil {
		heapPace.Keep(e.collect)
		e.collect = nil // once is enough for the process
	}
}

func restorable(object repository.Object) restore.Object {
	return restore.Object{ID: object.ID, APIVersion: object.APIVersion, Content: object.Content, Secrets: object.Secrets}
}

// pointOf hands what the repository holds to the restore engine, which does not
// know repositories.
func pointOf(loaded *repository.Loaded) restore.Point {
	point := restore.Point{Meta: loaded.Meta, Index: loaded.Index}
	for _, kind := range loaded.Coverage.Types {
		if kind.Whole() && kind.Resource != "" {
			point.Covered = append(point.Covered, restore.CoveredKind{
				APIVersion: strings.TrimPrefix(kind.Group+"/"+kind.Version, "/"), Kind: kind.Kind, Namespaced: kind.Namespaced,
			})
		}
	}
	for _, object := range loaded.Objects {
		point.Objects.Add(restorable(object))
	}
	return point
}

// makeWith is make for a command that hands state to applications, or compares it.
func (o *planOptions) makeWith(ctx context.Context, e *env, targets []apps.Target) (planned, error) {
	made, err := o.make(ctx, e)
	if err != nil {
		return planned{}, err
	}
	made.besides = slices.Concat(made.besides, o.finding.commandRights(made.plan.Apps, targets, o.rewrites))
	return made, unknownApps(made, targets)
}

// unknownApps refuses an --app that the point has no state of: a typing mistake
// there would otherwise look like success.
func unknownApps(made planned, targets []apps.Target) error {
	known := map[appbur.AppKey]bool{}
	var names []string
	for _, app := range made.loaded.Meta.Apps {
		known[app.AppKey] = true
		names = append(names, app.String())
	}
	held := cmp.Or(appbur.Shortlist(names, shownNames), "none")
	for _, t := range targets {
		if !known[t.AppKey] {
			return &usageError{appbur.WithHint(fmt.Errorf("--app: the restore point holds no state of %s", t.AppKey),
				"it holds the state of: "+held)}
		}
	}
	return nil
}
