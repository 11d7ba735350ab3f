package contracttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur/pkg/contract"
)

// Config says what to check.
type Config struct {
	// Start brings up an application that holds at least one row. It is called
	// once per case; see [InProcess] and [At].
	Start func(ctx context.Context) (*Instance, error)
	// Older are payloads of older releases, for the cases about compatibility.
	Older []Payload
	// Timeout bounds each case. Zero means one minute.
	Timeout time.Duration
}

// Payload is what a release of the application exported.
type Payload struct {
	// Release names it in messages, for example "1.0".
	Release  string
	Datasets []PayloadDataset
}

// PayloadDataset is one dataset of a payload.
type PayloadDataset struct {
	Name, Schema string
	// Data is the payload, one row per line.
	Data []byte
	// Drops says that the current release cannot keep everything in it.
	Drops bool
}

// Instance is one running application.
type Instance struct {
	Address string
	Dial    contract.DialOptions
	// Shared instances serve the next case too: the kit puts back what it found.
	Shared bool
	// Stop ends the instance; nil means that there is nothing to end.
	Stop func() error
}

// At checks an application that runs already. Its state is changed during the
// check and put back after every case.
func At(address string, options contract.DialOptions) func(context.Context) (*Instance, error) {
	return func(context.Context) (*Instance, error) {
		return &Instance{Address: address, Dial: options, Shared: true}, nil
	}
}

// InProcess serves a fresh application for every case, at a unix socket in a
// temporary directory.
func InProcess(fresh func() (contract.App, contract.Options, error)) func(context.Context) (*Instance, error) {
	return func(ctx context.Context) (*Instance, error) {
		app, options, err := fresh()
		if err != nil {
			return nil, fmt.Errorf("making a fresh application: %w", err)
		}
		dir, err := os.MkdirTemp("", "appbur")
		if err != nil {
			return nil, fmt.Errorf("making a directory for the socket: %w", err)
		}
		if options.SpoolDir == "" {
			options.SpoolDir = filepath.Join(dir, "spool")
		}
		instance, err := serve(ctx, "unix://"+filepath.Join(dir, "app"), app, options)
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		stop := instance.Stop
		instance.Stop = func() error { return errors.Join(stop(), os.RemoveAll(dir)) }
		return instance, nil
	}
}

func serve(ctx context.Context, address string, app contract.App, options contract.Options) (*Instance, error) {
	server, err := contract.NewServer(app, options)
	if err != nil {
		return nil, err
	}
	listener, err := contract.Listen(ctx, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	return &Instance{Address: address, Stop: func() error {
		cancel()
		return <-done
	}}, nil
}
