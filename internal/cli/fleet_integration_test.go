//go:build integration

package cli

import (
	"context"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/appbur/appbur/examples/fleet/program"
	v1 "github.com/appbur/appbur/examples/fleet/v1"
	v2 "github.com/appbur/appbur/examples/fleet/v2"
)

var (
	fleetV1 = program.Version{Name: "fleet-v1", App: v1.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		return v1.Open(ctx, file, time.Now)
	}}
	fleetV2 = program.Version{Name: "fleet-v2", App: v2.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		return v2.Open(ctx, file, time.Now)
	}}
)

// serve runs a version of the fleet service, as its main function does, until
// the test ends, and returns the address of its contract.
func (s *story) serve(version program.Version, seed int) string {
	s.Helper()
	dir := s.TempDir()
	address := "unix://" + filepath.Join(dir, "contract.sock")
	args := []string{
		"--db", filepath.Join(dir, "fleet.db"), "--http", "", "--contract", address, "--spool-dir", filepath.Join(dir, "spool"),
		"--seed", strconv.Itoa(seed),
	}
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	var log strings.Builder
	ended := make(chan int, 1)

	go func() {
		ended <- program.Main(ctx, version, args, in, &log)
		in.Close()
	}()
	line := make([]byte, 512)
	n, err := out.Read(line)
	if err != nil || !strings.HasPrefix(string(line[:n]), "ready") {
		stop()
		<-ended
		s.Fatalf("%s did not start: %v %q\n%s", version.Name, err, line[:n], log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()

	s.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			s.Errorf("%s ended with %d\n%s", version.Name, code, log.String())
		}
	})

	return address
}
