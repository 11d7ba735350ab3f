package contracttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/appbur/appbur/pkg/contract"
)

// Instance is one running application, and what can be done to it from outside the
// wire. Hooks that are nil cost cases, which the report counts.
type Instance struct {
	Address string
	Dial    contract.DialOptions
	// Credentials go with every call of the kit's own connections, for applications
	// that want a token. Dial.Token does the same for the client; see
	// [contract.TokenSource.PerCall].
	Credentials credentials.PerRPCCredentials
	// Shared instances serve the next case too: the kit puts back what it found.
	Shared bool
	// Stop ends the instance; nil means that there is nothing to end.
	Stop func() error

	// Kill ends the process at once, as kill -9 does.
	Kill func(ctx context.Context) error
	// Terminate ends the process gracefully, as SIGTERM does, and returns
	// when it has.
	Terminate func(ctx context.Context) error
	// Restart starts the process again, at the same address and over the same
	// state, after Kill or Terminate.
	Restart func(ctx context.Context) error
	// Mutate changes the state by the application's own means: it creates
	// something. Without it the kit changes states by importing others.
	Mutate func(ctx context.Context) error
	// Slow makes reading a snapshot take at least so long, until it is called with 0.
	Slow func(ctx context.Context, atLeast time.Duration) error
	// Backend takes what the application stores its state in away and gives it back.
	Backend func(ctx context.Context, available bool) error
	// FillDisk fills the disk on which the application spools, and frees it again.
	FillDisk func(ctx context.Context, full bool) error
	// Logs returns everything that the application logged.
	Logs func() (string, error)
	// Resources counts what the process holds, by kind, for example open files. A
	// count that grows with the number of exports is a leak.
	Resources func() (map[string]int, error)
	// Expire makes the credentials that were shown so far invalid. Calls that begin
	// later may show new ones.
	Expire func(ctx context.Context) error
	// Identities are other callers and what they may do.
	Identities []Identity
}

// Identity is a caller and what becomes of its calls.
type Identity struct {
	Name        string
	Dial        contract.DialOptions
	Credentials credentials.PerRPCCredentials
	// Export and Import are the codes that the calls end with: OK,
	// Unauthenticated or PermissionDenied. A refused handshake counts as
	// Unauthenticated.
	Export, Import codes.Code
}

// At checks an application that runs already. Its state is changed during the
// check and put back after every case.
func At(address string, options contract.DialOptions) func(context.Context) (*Instance, error) {
	return func(context.Context) (*Instance, error) {
		return &Instance{Address: address, Dial: options, Shared: true}, nil
	}
}

// InProcess serves a fresh application for every case, at a unix socket in a
// temporary directory. It can be stopped in good order and started again over the
// same application; to be killed it must be a process of its own.
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

		p := &inProcess{address: "unix://" + filepath.Join(dir, "app"), app: app, options: options}
		if err := p.start(ctx); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		return &Instance{
			Address:   p.address,
			Terminate: func(context.Context) error { return p.stop() },
			Restart:   p.start,
			Resources: p.resources,
			Stop:      func() error { return errors.Join(p.stop(), os.RemoveAll(dir)) },
		}, nil
	}
}
