//go:build integration

package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	t.Parallel() // most of its time is waiting
	dir := t.TempDir()
	binary := build(t, dir, "./testdata/slowfleet")
	older := contracttest.Payload{Release: v1.AppVersion}
	want := golden(t, "v2")
	for name, data := range golden(t, "v1") {
		older.Datasets = append(older.Datasets, contracttest.PayloadDataset{
			Name: name, Schema: schemas1[name], Data: []byte(data), Want: []byte(want[name]), Drops: name == "clusters",
		})
	}
	contracttest.Run(t, contracttest.Config{
		Start: func(ctx context.Context) (*contracttest.Instance, error) { return startFleet(ctx, t, binary) },
		Older: []contracttest.Payload{older}, Strict: true, Idle: 85 * time.Second, Timeout: 2 * time.Minute,
	})
}

func build(t *testing.T, dir, command string) string {
	t.Helper()
	binary := filepath.Join(dir, filepath.Base(command))
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, command).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", command, err, out)
	}
	return binary
}

// TestConformanceByTheCommandLine goes the way of an application in another language:
// everything that the kit needs is a command, and the exit code says that every case
// was run that applies. The commands talk to this test, which holds the process.
func TestConformanceByTheCommandLine(t *testing.T) {
	t.Parallel() // most of its time is waiting
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatalf("curl is missing; run `make packages`: %v", err)
	}
	dir := t.TempDir()
	appbur := build(t, dir, "../../cmd/appbur")

	instance, err := startFleet(t.Context(), t, build(t, dir, "./testdata/slowfleet"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
	}()

	hooks := http.NewServeMux()
	server := httptest.NewServer(hooks)
	defer server.Close()
	plain := func(hook func(context.Context) error) func(context.Context, *http.Request) error {
		return func(ctx context.Context, _ *http.Request) error { return hook(ctx) }
	}
	args := []string{"conformance", instance.Address, "--destructive", "--strict", "--json", "--older", writeOlder(t, dir), "--idle", "45s"}

	for _, c := range []struct {
		flag, query string
		hook        func(context.Context, *http.Request) error
	}{
		{"kill-cmd", "", plain(instance.Kill)},
		{"stop-cmd", "", plain(instance.Terminate)},
		{"restart-cmd", "", plain(instance.Restart)},
		{"mutate-cmd", "", plain(instance.Mutate)},
		{"slow-cmd", "?seconds=$APPBUR_SLOW_SECONDS", func(ctx context.Context, r *http.Request) error {
			seconds, err := strconv.Atoi(r.FormValue("seconds"))
			if err != nil {
				return err
			}
			return instance.Slow(ctx, time.Duration(seconds)*time.Second)
		}},
	} {
		hooks.HandleFunc("/"+c.flag, func(w http.ResponseWriter, r *http.Request) {
			// The process outlives the request that starts it.
			if err := c.hook(context.WithoutCancel(r.Context()), r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
		args = append(args, "--"+c.flag, `curl -fsS "`+server.URL+"/"+c.flag+c.query+`"`)
	}

	command := exec.CommandContext(t.Context(), appbur, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("appbur conformance: %v\n%s%s", err, &stdout, &stderr)
	}
	var report struct {
		Passed, NotRun int
		Missing        []string
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || report.Passed < 50 || len(report.Missing) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	t.Logf("%d cases passed, %d were not run", report.Passed, report.NotRun)
}

// writeOlder lays the golden payloads of release 1 out for --older.
func writeOlder(t *testing.T, dir string) string {
	t.Helper()
	older := filepath.Join(dir, "older")
	if err := os.MkdirAll(filepath.Join(older, v1.AppVersion), 0o700); err != nil {
		t.Fatal(err)
	}
	want := golden(t, "v2")
	for name, data := range golden(t, "v1") {
		file := filepath.Join(older, v1.AppVersion, name+"@"+schemas1[name]+".ndjson")
		for file, data := range map[string]string{file: data, file + ".want": want[name]} {
			if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return older
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
		Slow:      p.slow,
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
		"-db", filepath.Join(p.dir, "fleet.db"), "-http", p.http, "-contract", "unix://" + filepath.Join(p.dir, "app"), "-spool-dir",
		filepath.Join(p.dir, "spool"),
	}, more...)...)
	p.command.Env = append(os.Environ(), "SLOW_FILE="+filepath.Join(p.dir, "slow"))
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

// slow tells the process by a file how long a snapshot must take.
func (p *fleetProcess) slow(_ context.Context, atLeast time.Duration) error {
	file := filepath.Join(p.dir, "slow")
	if atLeast == 0 {
		return os.Remove(file)
	}
	return os.WriteFile(file, []byte(atLeast.String()), 0o600)
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
