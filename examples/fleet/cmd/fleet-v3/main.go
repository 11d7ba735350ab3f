// Command fleet-v3 is the fleet service, release 3.0.0: a registry of customer
// clusters with an HTTP API and the appbur contract.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/appbur/appbur/examples/fleet/program"
	v3 "github.com/appbur/appbur/examples/fleet/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	version := program.Version{Name: "fleet-v3", App: v3.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		return v3.Open(ctx, file, time.Now)
	}}
	code := program.Main(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
