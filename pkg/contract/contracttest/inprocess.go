package contracttest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"

	"github.com/appbur/appbur/pkg/contract"
)

// inProcess is an application that is served by this process.
type inProcess struct {
	address string
	app     contract.App
	options contract.Options
	running func() error // ends it; nil when it does not run
}

func (p *inProcess) start(ctx context.Context) error {
	server, err := contract.NewServer(p.app, p.options)
	if err != nil {
		return err
	}
	listener, err := contract.Listen(ctx, p.address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	p.running = func() error {
		cancel()
		return <-done
	}
	return nil
}

func (p *inProcess) stop() error {
	if p.running == nil {
		return nil
	}
	err := p.running()
	p.running = nil
	return err
}

// resources counts goroutines, open files where the system shows them, and files in the
// spool that are no results of imports.
func (p *inProcess) resources() (map[string]int, error) {
	count := map[string]int{"goroutines": runtime.NumGoroutine()}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		count["open files"] = len(open)
	}
	spooled, err := os.ReadDir(p.options.SpoolDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	count["spooled files"] = len(spooled)
	return count, nil
}
