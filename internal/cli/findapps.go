package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/programs"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
)

// findOptions say whether applications are found in the target. That is asked for and never by
// itself: an import replaces what the application has, and no undo brings it back.
type findOptions struct {
	find bool
	commandOptions
}

func (o *findOptions) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&o.find, "find-apps", false,
		"find applications that have no --app with an address in the target, by the label appbur.io/app of their Services (docs/apps.md)")
	o.commandOptions.addFlags(command)
}

// check refuses what would find another application than the one that is restored.
func (o *findOptions) check(rewrites rewriteOptions) error {
	if o.find && rewrites.overlay != "" {
		return &usageError{appbur.WithHint(
			errors.New("--find-apps does not go with --overlay, which may give the Service of an application another name or namespace"),
			"name each application with --app NAMESPACE/NAME=ADDRESS")}
	}
	return nil
}

// rights are what finding these applications needs.
func (o *findOptions) rights(saved []appbur.AppState, rewrites rewriteOptions) []restore.Right {
	if !o.find {
		return nil
	}
	var rights []restore.Right
	seen := make(map[string]bool)
	for _, app := range saved {
		namespace := rewrites.changes.Namespaces.New(app.Namespace)
		if seen[namespace] {
			continue
		}
		seen[namespace] = true
		rights = append(rights,
			restore.Right{Verb: "list", Resource: "services", Namespace: namespace, Objects: 1},
			restore.Right{Verb: "list", Group: "discovery.k8s.io", Resource: "endpointslices", Namespace: namespace, Objects: 1})
	}
	return rights
}

// appFinder finds the applications of a plan in its target.
type appFinder struct {
	services.Finder
	// labels says that Services are looked for; programs is for commands in pods.
	labels   bool
	programs programs.Finder

	// shared are the applications that would be found by the Service of another one, because
	// their namespaces become one.
	shared map[appbur.AppKey]appbur.AppKey
}

// finder returns how applications are found, nil if they are not.
func (o *findOptions) finder(config *rest.Config, saved []appbur.AppState, rewrites rewriteOptions) (*appFinder, error) {
	if !o.find && len(o.commands) == 0 {
		return nil, nil
	}
	cluster, err := services.NewCluster(config)
	if err != nil {
		return nil, err
	}
	namespaces := rewrites.changes.Namespaces
	f := &appFinder{
		Finder: services.Finder{Cluster: cluster, Namespace: namespaces.New}, labels: o.find,
		programs: o.commandOptions.finder(config, namespaces.New), shared: make(map[appbur.AppKey]appbur.AppKey),
	}
	owner := make(map[appbur.AppKey]appbur.AppKey)
	for _, app := range saved {
		there := appbur.AppKey{Namespace: namespaces.New(app.Namespace), Name: app.Name}
		if other, taken := owner[there]; taken {
			f.shared[app.AppKey], f.shared[other] = other, app.AppKey
		}
		owner[there] = app.AppKey
	}
	return f, nil
}

// own refuses an application that another one would be found as.
func (f *appFinder) own(key appbur.AppKey) error {
	if other, shared := f.shared[key]; shared {
		return fmt.Errorf("application %s: %w: %s is restored to the same namespace", key, services.ErrAmbiguous, other)
	}
	return nil
}

// Find looks once.
func (f *appFinder) Find(ctx context.Context, key appbur.AppKey) (services.Found, error) {
	if err := f.own(key); err != nil {
		return services.Found{}, err
	}
	target, err := f.programs.Find(ctx, key)
	if f.labels && errors.Is(err, programs.ErrNotDeclared) {
		return f.Finder.Find(ctx, key)
	}
	return services.Found{Target: target}, err
}

// Locate implements [apps.Locator].
func (f *appFinder) Locate(ctx context.Context, key appbur.AppKey) (apps.Target, error) {
	if err := f.own(key); err != nil {
		return apps.Target{}, err
	}
	for failures := 0; ; failures++ {
		target, err := f.programs.Find(ctx, key)
		switch {
		case err == nil:
			return target, nil
		case !errors.Is(err, programs.ErrNotDeclared):
			return apps.Target{}, fmt.Errorf("application %s: %w", key, err)
		case f.labels:
			return f.Finder.Locate(ctx, key)
		case backoff.Sleep(ctx, declarations.Delay(failures)) != nil:
			return apps.Target{}, fmt.Errorf("application %s: %w", key, err)
		}
	}
}

// declarations is the backoff between looks for a ConfigMap that a restore brings.
var declarations = backoff.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}

// foundApp is an application as it is in the target when a plan is made (docs/json.md).
type foundApp struct {
	App       appbur.AppKey `json:"app"`
	Service   string        `json:"service,omitempty"`
	Address   string        `json:"address,omitempty"`
	Ready     int           `json:"ready"`
	Endpoints int           `json:"endpoints"`
	// Why says why it is not there, or not ready.
	Why  string `json:"why,omitempty"`
	Hint string `json:"hint,omitempty"`
}

// findNow says which applications of a plan that have no address are in the target already.
func (o *planOptions) findNow(ctx context.Context, e *env, made planned, targets []apps.Target) ([]foundApp, error) {
	finder, err := o.finding.finder(made.config, made.plan.Apps, o.rewrites)
	if finder == nil || err != nil {
		return nil, err
	}
	bar := e.bar("looking for applications", progress.Uncounted)
	defer bar.finish()
	given := make(map[appbur.AppKey]bool, len(targets))
	for _, target := range targets {
		given[target.AppKey] = true
	}

	list := []foundApp{}
	for _, app := range made.plan.Apps {
		if given[app.AppKey] {
			continue
		}
		found, err := finder.Find(ctx, app.AppKey)
		line := foundApp{App: app.AppKey, Service: found.Service, Address: found.Address, Ready: found.Ready, Endpoints: found.Endpoints}
		if err != nil {
			line.Why, line.Hint = err.Error(), hintOf(err)
		}
		list = append(list, line)
	}
	return list, ctx.Err()
}

// printFound says which applications the target has.
func (e *env) printFound(list []foundApp) {
	if len(list) == 0 {
		return
	}
	out := e.paragraphs(fieldIndent)
	fmt.Fprintf(out, "\nApplications in the target as it is now (%d)\n", len(list))
	for _, app := range list {
		if app.Why != "" {
			why := app.Why
			if app.Hint != "" {
				why += " (" + app.Hint + ")"
			}
			fmt.Fprintf(out, "  %s: %s: %s\n", app.App, e.paint(sgrYellow, "not there"), oneLine(why))
			continue
		}
		if app.Service == "" {
			fmt.Fprintf(out, "  %s: %s\n", app.App, app.Address)
			continue
		}
		fmt.Fprintf(out, "  %s: Service %s, %s, %d of %s ready\n", app.App, app.Service, app.Address, app.Ready, count(app.Endpoints, "endpoint"))
	}
}

// addAppWaitFlag is for commands that wait for applications.
func addAppWaitFlag(command *cobra.Command, wait *time.Duration) {
	command.Flags().DurationVar(wait, "app-wait", appReadyTimeout,
		"how long each application may take to be found, and then to be ready for its state; 10s in a dry run if it is not given")
}

func checkAppWait(wait time.Duration) error {
	if wait <= 0 {
		return &usageError{appbur.WithHint(fmt.Errorf("--app-wait: %s is no time to wait", wait), "for example --app-wait 5m")}
	}
	return nil
}
