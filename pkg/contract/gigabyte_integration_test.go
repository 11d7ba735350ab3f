//go:build integration

package contract_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
)

// The environment variables by which the test binary becomes one side of a
// transfer, so that each side's memory can be measured alone.
const (
	sideVariable    = "APPBUR_TEST_SIDE"
	addressVariable = "APPBUR_TEST_ADDRESS"
)

const (
	gigabyte   = 1 << 30
	mostMemory = 64 << 20
)

//integration:own-tests it acts only in the processes that a test of this file starts
func TestMain(m *testing.M) {
	address := os.Getenv(addressVariable)
	var err error
	switch os.Getenv(sideVariable) {
	case "application":
		err = beApplication(address)
	case "caller":
		err = beCaller(address)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// endlessNotes yields rows until their payload is a gigabyte.
type endlessNotes struct{ taken, bytes int64 }

func (a *endlessNotes) Snapshot(context.Context) (contract.Snapshot, error) { return a, nil }
func (a *endlessNotes) Begin(context.Context) (contract.Transaction, error) { return a, nil }
func (*endlessNotes) Close() error                                          { return nil }
func (*endlessNotes) Commit(context.Context) error                          { return nil }
func (*endlessNotes) Rollback(context.Context) error                        { return nil }

func (*endlessNotes) Rows(context.Context, string) iter.Seq2[contract.Row, error] {
	return notesRows
}

func notesRows(yield func(contract.Row, error) bool) {
	text := strings.Repeat("all work and no play ", 48)
	var buffer []byte
	for i, size := 0, 0; size < gigabyte; i++ {
		buffer = fmt.Appendf(buffer[:0], `{"id":%d,"text":%q}`, i, text)
		size += len(buffer) + 1
		if !yield(buffer, nil) {
			return
		}
	}
}

func (a *endlessNotes) Replace(_ context.Context, _ string, rows iter.Seq2[contract.Row, error]) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		a.taken++
		a.bytes += int64(len(row)) + 1
	}
	if a.bytes < gigabyte {
		return fmt.Errorf("%d rows with %d bytes came", a.taken, a.bytes)
	}
	return nil
}

// justWrites hides that the transaction could be read back.
type justWrites struct{ *endlessNotes }

func (a justWrites) Begin(context.Context) (contract.Transaction, error) {
	return struct{ contract.Transaction }{a.endlessNotes}, nil
}

func beApplication(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := notes()
	o.SpoolDir = filepath.Dir(strings.TrimPrefix(address, "unix://"))
	return contract.ListenAndServe(ctx, address, justWrites{&endlessNotes{}}, o)
}

// beCaller exports a gigabyte and imports it again.
func beCaller(address string) error {
	ctx := context.Background()
	client, err := contract.Dial(ctx, address, contract.DialOptions{})
	if err != nil {
		return err
	}
	sink := contract.SinkFunc(func(contract.DatasetHeader) (io.WriteCloser, error) { return discard{}, nil })
	exported, err := client.Export(ctx, contract.ExportRequest{OperationID: "export"}, sink)
	if err != nil {
		return err
	}

	d := exported.Datasets[0]
	imported, err := client.Import(ctx, contract.ImportRequest{OperationID: "import", SourceApp: "notes", Datasets: []contract.DatasetSource{{
		Name: d.Name, Schema: d.Schema, Rows: d.Rows, Size: d.Size, Digest: d.Digest,
		Open: func() (io.ReadCloser, error) {
			r, w := io.Pipe()
			go func() {
				out := bufio.NewWriterSize(w, 256<<10)
				for row := range notesRows {
					_, _ = out.Write(row)
					_ = out.WriteByte('\n')
				}
				_ = w.CloseWithError(out.Flush())
			}()
			return r, nil
		},
	}}})
	if err != nil {
		return err
	}

	if imported.Datasets[0].Digest != d.Digest || d.Size < gigabyte {
		return fmt.Errorf("%d bytes with %s were exported, %s imported", d.Size, d.Digest, imported.Datasets[0].Digest)
	}
	peak, err := peakMemory("self")
	if err != nil {
		return err
	}
	fmt.Println(peak)
	return client.Close()
}

// peakMemory is the largest resident set that a process ever had, in bytes; see
// proc_pid_status(5).
func peakMemory(pid string) (int64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in the status of process %s", pid)
}

func TestGigabyteInConstantMemory(t *testing.T) {
	dir, err := os.MkdirTemp("", "appbur")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	side := func(name string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), os.Args[0])
		command.Env = append(os.Environ(), sideVariable+"="+name, addressVariable+"=unix://"+filepath.Join(dir, "app"))
		command.Stderr = os.Stderr
		return command
	}

	application := side("application")
	if err := application.Start(); err != nil {
		t.Fatal(err)
	}
	out, err := side("caller").Output()
	if err != nil {
		t.Fatalf("the caller failed: %v", err)
	}
	caller, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}

	served, err := peakMemory(strconv.Itoa(application.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if err := application.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := application.Wait(); err != nil {
		t.Errorf("the application ended with %v", err)
	}
	t.Logf("peak memory for %d MiB each way: application %d MiB, caller %d MiB", gigabyte>>20, served>>20, caller>>20)
	if served > mostMemory || caller > mostMemory {
		t.Errorf("want at most %d MiB on either side", mostMemory>>20)
	}
}
