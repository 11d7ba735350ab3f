//go:build integration

package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	v1 "github.com/appbur/appbur/examples/fleet/v1"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// TestConformanceOfARealProcess runs every case over release 2 as a process of its
// own, which is killed, stopped and started again, and whose API creates things.
// The pings of NET-005 come as fast as the contract allows, for as long as a
// server with the default policy of grpc would need to object.
func TestConformanceOfARealProcess(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "fleet-v2")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/fleet-v2").CombinedOutput(); err != nil {
		t.Fatalf("building fleet-v2: %v\n%s", err, out)
	}
	older := contracttest.Payload{Release: v1.AppVersion}
	want := golden(t, "v2")
	for name, data := range golden(t, "v1") {
		older.Datasets = append(older.Datasets, contracttest.PayloadDataset{
			Name: name, Schema: schemas1[name], Data: []byte(data), Want: []byte(want[name]), Drops: name == "clusters",
		})
	}
	contracttest.Run(t, contracttest.Config{
		Start: func(ctx context.Context) (*contracttest.Instance, error) { return startFleet(ctx, t, binary) },
		Older: []contracttest.Payload{older}, Idle: 85 * time.Second, Timeout: 2 * time.Minute,
	})
}

// fleetProcess is one running fleet over files that outlive it.
type fleetProcess struct {
	binary, dir, http string
	command           *exec.Cmd
	log               bytes.Buffer
	created           atomic.Int64
}

func startFleet(ctx context.Context, t *testing.T, binary string) (*contracttest.Instance, error) {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &fleetProcess{binary: binary, dir: dir, http: l.Addr().String()}
	l.Close()
	if err := p.start(ctx, "-seed", "100"); err != nil {
		return nil, err
	}
	end := func(signal syscall.Signal) error {
		if p.command == nil {
			return nil
		}
		err := p.command.Process.Signal(signal)
		p.command.Wait() // a signal is no exit code 0
		p.command = nil
		return err
	}
	return &contracttest.Instance{
		Address:   "unix://" + filepath.Join(dir, "app"),
		Kill:      func(context.Context) error { return end(syscall.SIGKILL) },
		Terminate: func(context.Context) error { return end(syscall.SIGTERM) },
		Restart:   func(ctx context.Context) error { return p.start(ctx) },
		Mutate:    p.create,
		Stop: func() error {
			if err := end(syscall.SIGKILL); err != nil {
				return fmt.Errorf("%w\n%s", err, p.log.String())
			}
			return os.RemoveAll(dir)
		},
	}, nil
}

func (p *fleetProcess) start(ctx context.Context, more ...string) error {
	ready, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	p.command = exec.Command(p.binary, append([]string{
		"-db", filepath.Join(p.dir, "fleet.db"), "-http", p.http, "-contract", "unix://" + filepath.Join(p.dir, "app"), "-spool-dir", filepath.Join(p.dir, "spool"),
	}, more...)...)
	p.command.Stdout, p.command.Stderr = writer, &p.log
	err = p.command.Start()
	writer.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { ready.Close() })
	defer stop()
	line := make([]byte, 256)
	if n, err := ready.Read(line); err != nil || !strings.HasPrefix(string(line[:n]), "ready") {
		return fmt.Errorf("fleet did not become ready: %w", err)
	}
	return nil
}

// create makes a customer by the API.
func (p *fleetProcess) create(ctx context.Context) error {
	n := p.created.Add(1)
	body := fmt.Sprintf(`{"id":"kit-%d","name":"Kit %d","tier":"premium","contactEmail":"kit@example.com"}`, n, n)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.http+"/v2/customers", strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("the API answered %s", response.Status)
	}
	return nil
}
