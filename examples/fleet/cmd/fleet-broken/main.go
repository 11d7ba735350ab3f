// Command fleet-broken is release 3.0.0 of the fleet service with one fault, so that pipelines can
// show that they find it: `fleet-broken KIND [flags of fleet-v3]`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/appbur/appbur/examples/fleet/broken"
	"github.com/appbur/appbur/examples/fleet/program"
	v3 "github.com/appbur/appbur/examples/fleet/v3"
)

func main() {
	at := -1
	if len(os.Args) > 1 {
		at = slices.IndexFunc(broken.Kinds, func(k broken.Kind) bool { return k.Name == os.Args[1] })
	}
	if at < 0 {
		fmt.Fprintln(os.Stderr, "usage: fleet-broken KIND [flags of fleet-v3]")
		for _, k := range broken.Kinds {
			fmt.Fprintf(os.Stderr, "  %-18s %s\n", k.Name, k.What)
		}
		os.Exit(64)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	version := program.Version{Name: "fleet-broken", App: v3.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		whole, err := v3.Open(ctx, file, time.Now)
		if err != nil {
			return nil, err
		}
		return broken.Kinds[at].Fleet(whole), nil
	}}
	code := program.Main(ctx, version, os.Args[2:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
