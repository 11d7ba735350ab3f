package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/programs"
	"github.com/appbur/appbur/internal/progress"
)

// calledOptions say how the one application is reached that a command is about. It is at an address that is given, or
// at the Service that is labelled for it.
type calledOptions struct {
	appOptions
	clusterOptions
	commandOptions
}

func (o *calledOptions) addFlags(command *cobra.Command) {
	o.addTrustFlags(command)
	o.clusterOptions.addFlags(command)
	o.commandOptions.addFlags(command)
}

// calledKey is which application an argument names, with an address or without.
func calledKey(text string) (appbur.AppKey, error) {
	name, _, _ := strings.Cut(text, "=")
	key, err := apps.ParseKey(name)
	if err != nil {
		return key, &usageError{appbur.WithHint(err, "name it as in shop/orders=orders.example:7443, or shop/orders if its Service is labelled for it")}
	}
	return key, nil
}

// target finds the application that an argument names.
func (o *calledOptions) target(ctx context.Context, e *env, text string) (apps.Target, apps.Dialer, error) {
	key, err := calledKey(text)
	if err != nil {
		return apps.Target{}, apps.Dialer{}, err
	}
	dialer, err := o.dialer()
	if err != nil {
		return apps.Target{}, apps.Dialer{}, err
	}
	dialer.Programs = e.programs(o.restConfig, nil)
	if strings.Contains(text, "=") {
		target, err := apps.Parse(text)
		if err == nil {
			return target, dialer, checkCommands(target.Address)
		}
		return target, dialer, &usageError{appbur.WithHint(err,
			"for example shop/orders=orders.example:7443, shop/orders=unix:///run/orders.sock, or shop/orders=commands:orders.yaml")}
	}

	config, err := o.restConfig()
	if err != nil {
		return apps.Target{}, dialer, err
	}
	cluster, err := services.NewCluster(config)
	if err != nil {
		return apps.Target{}, dialer, err
	}
	bar := e.bar("looking for "+key.String(), progress.Uncounted)
	defer bar.finish()
	declared, err := o.commandOptions.finder(config, nil).Find(ctx, key)
	if !errors.Is(err, programs.ErrNotDeclared) {
		if err != nil {
			err = fmt.Errorf("application %s: %w", key, err)
		}
		return declared, dialer, err
	}
	found, err := services.Finder{Cluster: cluster}.Find(ctx, key)
	if err != nil {
		err = fmt.Errorf("application %s: %w", key, err)
	}
	return found.Target, dialer, err
}
