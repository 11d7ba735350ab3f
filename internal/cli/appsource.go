package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/statedir"
)

// sourceOptions say where the saved state of an application is: in a restore point, or in a directory that was
// exported.
type sourceOptions struct {
	repositoryOptions
	point string
	from  string
}

// sourceState is the state of one application, with its bytes.
type sourceState struct {
	app      appbur.AppState
	payloads apps.Payloads
	// place says where it is, as in "restore point 20261121T030238Z".
	place string
	point appbur.RestorePointID
}

// besideOptions are for commands that set the state of a running application beside what was saved of it.
type besideOptions struct {
	calledOptions
	sourceOptions
}

func (o *besideOptions) addFlags(e *env, command *cobra.Command) {
	o.calledOptions.addFlags(command)
	o.sourceOptions.addFlags(e, command)
	o.addFromFlag(command)
}

// both reads what was saved, and finds the application, which may be called otherwise than it was.
func (o *besideOptions) both(ctx context.Context, e *env, name string) (sourceState, apps.Target, apps.Dialer, error) {
	key, err := calledKey(name)
	if err != nil {
		return sourceState{}, apps.Target{}, apps.Dialer{}, err
	}
	saved, err := o.read(ctx, e, key)
	if err != nil {
		return sourceState{}, apps.Target{}, apps.Dialer{}, err
	}
	saved.app.AppKey = key
	target, dialer, err := o.target(ctx, e, name)
	return saved, target, dialer, err
}

func (o *sourceOptions) addFlags(e *env, command *cobra.Command) {
	o.repositoryOptions.addFlags(e, command)
	o.addReadFlags(e, command)
	o.addHistoryFlags(e, command)
	command.Flags().StringVar(&o.point, "point", "", "restore `POINT` of the repository that holds the state, such as latest")
}

func (o *sourceOptions) addFromFlag(command *cobra.Command) {
	command.Flags().StringVar(&o.from, "from", "", "`DIR` that `appbur apps export` wrote, in place of a restore point")
}

// read reads the saved state of an application.
func (o *sourceOptions) read(ctx context.Context, e *env, key appbur.AppKey) (sourceState, error) {
	switch {
	case (o.from == "") == (o.point == ""):
		return sourceState{}, &usageError{appbur.WithHint(errors.New("say where the state is that was saved, in one place"),
			"pass --point POINT with --repo DIR, or --from DIR")}
	case o.from != "":
		opened, err := statedir.Open(o.from)
		if err != nil {
			return sourceState{}, err
		}
		return sourceState{app: opened.App, payloads: opened, place: o.from, point: opened.Point}, nil
	}

	c, opener, err := o.openPoint(e, o.point)
	if err != nil {
		return sourceState{}, err
	}
	loaded, err := e.loadPoint(ctx, c, opener)
	if err != nil {
		return sourceState{}, err
	}
	at := slices.IndexFunc(loaded.Meta.Apps, func(a appbur.AppState) bool { return a.AppKey == key })
	if at < 0 {
		names := make([]string, 0, len(loaded.Meta.Apps))
		for _, app := range loaded.Meta.Apps {
			names = append(names, app.String())
		}
		hint := "it holds the state of no application"
		if len(names) > 0 {
			hint = "it holds the state of: " + appbur.Shortlist(names, shownNames)
		}
		return sourceState{}, &notFoundError{appbur.WithHint(fmt.Errorf("restore point %s holds no state of %s", c.ref.ID, key), hint)}
	}
	return sourceState{app: loaded.Meta.Apps[at], payloads: loaded, place: "restore point " + string(c.ref.ID), point: c.ref.ID}, nil
}
