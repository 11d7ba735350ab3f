// Command fleet-v2 is the fleet service, release 2.0.0: a registry of customer
// clusters with an HTTP API and the appbur contract.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/appbur/appbur/examples/fleet/program"
	v2 "github.com/appbur/appbur/examples/fleet/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	version := program.Version{Name: "fleet-v2", App: v2.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		return v2.Open(ctx, file, time.Now)
	}}
	code := program.Main(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
