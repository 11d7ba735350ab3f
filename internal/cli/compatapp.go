package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/goldens"
	"github.com/appbur/appbur/pkg/contract"
)

// underTestOptions say where the application is that goldens are recorded from or tried on.
type underTestOptions struct {
	appOptions

	address string
	wait    time.Duration
	schemas []string
}

func (o *underTestOptions) addFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringVar(&o.address, "app", "", "`ADDRESS` of the application: host:port or unix:///path, also as [NS/]NAME=ADDRESS (required)")
	o.addTrustFlags(command)
	f.DurationVar(&o.wait, "app-wait", underTestWait, "how long the application may take to be ready")
	f.StringArrayVar(&o.schemas, "schema", nil,
		"`DATASET=FILE` that describes the rows which the application writes: JSON Schema (.json), or a FileDescriptorSet of protobuf with "+
			"the message behind a colon, as in orders=orders.binpb:shop.v1.Order; repeatable")
}

// underTestWait is how long an application may take to be ready. In a pipeline it has just been started.
const underTestWait = 30 * time.Second

// target is the application.
func (o *underTestOptions) target() (apps.Target, apps.Dialer, error) {
	const hint = "pass --app ADDRESS, for example --app unix:///run/orders.sock or --app orders.example:7443"
	dialer, err := o.dialer()
	if err != nil {
		return apps.Target{}, dialer, err
	}
	target := apps.Target{AppKey: appbur.AppKey{Namespace: apps.DefaultNamespace, Name: "app"}, Address: o.address}
	if name, _, named := strings.Cut(o.address, "="); named && !strings.Contains(name, ":") {
		if target, err = apps.Parse(o.address); err != nil {
			return target, dialer, &usageError{appbur.WithHint(fmt.Errorf("--app: %w", err), hint)}
		}
	}

	switch {
	case target.Address == "":
		return target, dialer, &usageError{appbur.WithHint(errors.New("no application to ask"), hint)}
	case strings.HasPrefix(target.Address, "commands:"):
		return target, dialer, &usageError{appbur.WithHint(errors.New("--app: commands in a pod have no golden payloads"), hint)}
	}
	host, port, err := net.SplitHostPort(target.Address)
	if !strings.HasPrefix(target.Address, "unix:///") && (err != nil || host == "" || port == "") {
		return target, dialer, &usageError{appbur.WithHint(fmt.Errorf("--app: %q is no address", target.Address), hint)}
	}
	return target, dialer, checkAppWait(o.wait)
}

// connect waits until the application serves.
func (o *underTestOptions) connect(ctx context.Context) (*contract.Client, error) {
	target, dialer, err := o.target()
	if err != nil {
		return nil, err
	}
	return apps.Connect(ctx, dialer, target, o.wait)
}

// schemaFiles reads the files of --schema.
func (o *underTestOptions) schemaFiles() (map[string]goldens.SchemaFile, error) {
	files := map[string]goldens.SchemaFile{}
	for _, text := range o.schemas {
		dataset, place, ok := strings.Cut(text, "=")
		if !ok || dataset == "" || place == "" {
			return nil, schemaError(fmt.Errorf("%q is not DATASET=FILE", text))
		}
		if _, twice := files[dataset]; twice {
			return nil, schemaError(fmt.Errorf("dataset %s is described twice", dataset))
		}
		file, err := readSchemaFile(place)
		if err != nil {
			return nil, schemaError(err)
		}
		files[dataset] = file
	}
	return files, nil
}

// readSchemaFile reads FILE or FILE:MESSAGE.
func readSchemaFile(place string) (goldens.SchemaFile, error) {
	path, message := splitMessage(place)
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: it is no file", path)
	}
	if err != nil {
		return goldens.SchemaFile{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return goldens.SchemaFile{}, err
	}
	file, err := goldens.ReadSchema(data, message)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return file, err
}

func schemaError(err error) error {
	return &usageError{appbur.WithHint(fmt.Errorf("--schema: %w", err),
		"for example --schema orders=orders.schema.json, or --schema orders=orders.binpb:shop.v1.Order with the output of `buf build -o orders.binpb`")}
}
