package contract_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// cutter is a TCP proxy that cuts connections after some bytes.
type cutter struct {
	address string
	cuts    atomic.Int64
}

// newCutter forwards to the address and cuts every connection after a random
// number of bytes in either direction, until limit cuts were made.
func newCutter(t *testing.T, to string, limit int64, random *rand.Rand) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{address: l.Addr().String()}
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})

	running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			budget := int64(-1)
			if c.cuts.Load() < limit {
				// Short connections hit the handshake, longer ones the payload.
				budget = 1 + random.Int64N(300_000)
			}
			upstream, err := net.Dial("tcp", to)
			if err != nil {
				_ = from.Close()
				continue
			}
			left := &atomic.Int64{}
			left.Store(budget)
			end := sync.OnceFunc(func() { _, _ = from.Close(), upstream.Close() })
			pass := func(dst, src net.Conn) {
				defer end()
				buffer := make([]byte, 8<<10)
				for {
					n, err := src.Read(buffer)
					if budget >= 0 && left.Add(-int64(n)) <= 0 {
						c.cuts.Add(1)
						return
					}
					if _, werr := dst.Write(buffer[:n]); werr != nil || err != nil {
						return
					}
				}
			}
			running.Go(func() { pass(upstream, from) })
			running.Go(func() { pass(from, upstream) })
		}
	})

	return c
}

// serveTCP serves the application at a port of loopback.
func serveTCP(t *testing.T, app contract.App, o contract.Options) (address string) {
	t.Helper()
	o.Insecure = true
	return serveAt(t, "127.0.0.1:0", app, o)
}

func dial(t *testing.T, address string) *contract.Client {
	t.Helper()
	client, err := contract.Dial(t.Context(), address, contract.DialOptions{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func manyNotes(n int) []contract.Row {
	rows := make([]contract.Row, n)
	for i := range rows {
		rows[i] = row(`{"id":%d,"text":"%0200d"}`, i, i*7919)
	}
	return rows
}

// NET-011: whatever is cut, the bytes at the end are the same.
func TestCutConnectionsEndInIdenticalBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	const cuts, rows = 100, 60_000 // some 13 MB each way
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	held := memory(manyNotes(rows)...)
	direct := serveTCP(t, held, notes())
	_, want, err := export(t, dial(t, direct))
	if err != nil {
		t.Fatal(err)
	}

	out := newCutter(t, direct, cuts/2, random)
	var got collected
	result, err := dial(t, out.address).Export(t.Context(), contract.ExportRequest{OperationID: operationID(t)}, contract.SinkFunc(
		func(contract.DatasetHeader) (io.WriteCloser, error) { return &got, nil }))
	if err != nil {
		t.Fatalf("after %d cuts: %v", out.cuts.Load(), err)
	}
	if got.String() != want["notes"] || result.Datasets[0].Digest != appbur.DigestOf(got.Bytes()) {
		t.Error("the bytes of the cut export differ")
	}

	empty := memory()
	in := newCutter(t, serveTCP(t, empty, notes()), cuts/2, random)
	imported, err := dial(t, in.address).Import(t.Context(), request(t, source("notes", "1.0", want["notes"])))
	if err != nil {
		t.Fatalf("after %d cuts: %v", in.cuts.Load(), err)
	}
	if imported.Datasets[0].Digest != result.Datasets[0].Digest || len(empty.Rows("notes")) != rows {
		t.Error("the cut import differs")
	}
	if out.cuts.Load() < cuts/2 || in.cuts.Load() < cuts/2 {
		t.Errorf("%d and %d cuts were made, want %d each", out.cuts.Load(), in.cuts.Load(), cuts/2)
	}
}

// balancer is a TCP proxy that can send its callers to another replica.
type balancer struct {
	address string
	mu      sync.Mutex
	to      string
	open    []net.Conn
}

func newBalancer(t *testing.T, to string) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{address: l.Addr().String(), to: to}
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		b.move("")
		running.Wait()
	})

	running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			upstream, err := net.Dial("tcp", b.to)
			if err != nil {
				_ = from.Close()
				b.mu.Unlock()
				continue
			}
			b.open = append(b.open, from, upstream)
			b.mu.Unlock()
			pass := func(dst, src net.Conn) {
				_, _ = io.Copy(dst, src)
				_, _ = from.Close(), upstream.Close()
			}
			running.Go(func() { pass(upstream, from) })
			running.Go(func() { pass(from, upstream) })
		}
	})

	return b
}

// move cuts every connection; new ones go to another address.
func (b *balancer) move(to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
	for _, c := range b.open {
		_ = c.Close()
	}
	b.open = nil
}

// moving is a sink that has its caller moved once some bytes have come.
type moving struct {
	bytes.Buffer
	after int
	move  func()
}

func (m *moving) Write(b []byte) (int, error) {
	n, err := m.Buffer.Write(b)
	if m.move != nil && m.Len() >= m.after {
		m.move()
		m.move = nil
	}
	return n, err
}

func (*moving) Close() error { return nil }

// An export belongs to one snapshot of one replica: when the rest of it can only be had
// from another replica, there is no rest, even if that one holds the same rows.
func TestResumeNeverSplicesSnapshots(t *testing.T) {
	for name, rows := range map[string][]contract.Row{"other rows": manyNotes(20_001)[1:], "the same rows": manyNotes(20_000)} {
		t.Run(name, func(t *testing.T) {
			first, second := serveTCP(t, memory(manyNotes(20_000)...), notes()), serveTCP(t, memory(rows...), notes())
			b := newBalancer(t, first)
			sink := &moving{after: 1 << 20, move: func() { b.move(second) }}
			_, err := dial(t, b.address).Export(t.Context(), contract.ExportRequest{OperationID: operationID(t)}, contract.SinkFunc(
				func(contract.DatasetHeader) (io.WriteCloser, error) { return sink, nil }))
			var e *contract.Error
			if !errors.As(err, &e) || e.Reason != contract.ReasonSnapshotExpired {
				t.Errorf("got %v, want %s", err, contract.ReasonSnapshotExpired)
			}
			if sink.move != nil {
				t.Error("the caller was not moved")
			}
		})
	}
}

// A caller that gave up releases the export, and may begin again under the same id.
func TestReleasedExportBeginsAnew(t *testing.T) {
	o := notes()
	o.ExportLease = time.Minute
	held := memory(manyNotes(20_000)...)
	client := dial(t, serveTCP(t, held, o))

	// A sink that fails breaks the first stream in the middle of the payload.
	id := operationID(t)
	var first bytes.Buffer
	broken := errors.New("the disk is full")
	_, err := client.Export(t.Context(), contract.ExportRequest{OperationID: id},
		contract.SinkFunc(func(contract.DatasetHeader) (io.WriteCloser, error) {
			return &limited{Buffer: &first, limit: 1 << 20, err: broken}, nil
		}))
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}

	var released bytes.Buffer
	_, err = client.Export(t.Context(), contract.ExportRequest{OperationID: id},
		contract.SinkFunc(func(contract.DatasetHeader) (io.WriteCloser, error) {
			return &limited{Buffer: &released}, nil
		}))
	if err != nil {
		t.Fatalf("a new export under a released id: %v", err)
	}
	if !strings.HasPrefix(released.String(), first.String()) {
		t.Error("equal state gave other bytes")
	}
}

// limited is a sink that fails after some bytes.
type limited struct {
	*bytes.Buffer
	limit int
	err   error
}

func (l *limited) Write(b []byte) (int, error) {
	if l.err != nil && l.Len()+len(b) > l.limit {
		return 0, l.err
	}
	return l.Buffer.Write(b)
}

func (*limited) Close() error { return nil }

func TestOperations(t *testing.T) {
	app := &scripted{App: memory(), begun: make(chan struct{})}
	client := start(t, app, notes())
	r := request(t, source("notes", "1.0", "{\"id\":1}\n"))
	ended := make(chan error, 1)
	go func() {
		_, err := client.Import(t.Context(), r)
		ended <- err
	}()
	<-app.begun
	op, err := client.Operation(t.Context(), r.OperationID)
	if err != nil || op.Kind != "import" || op.State != "running" {
		t.Errorf("operation %+v, %v", op, err)
	}

	for range 3 {
		if op, err = client.Cancel(t.Context(), r.OperationID); err != nil || op.State != "cancelled" {
			t.Fatalf("cancelled: %+v, %v", op, err)
		}
	}

	wantReason(t, <-ended, contract.ReasonOperationCancelled)
	list, err := client.Operations(t.Context())
	if err != nil || len(list) != 1 || list[0].State != "cancelled" || contract.ReasonOf(list[0].Err) != contract.ReasonOperationCancelled {
		t.Errorf("operations %+v, %v", list, err)
	}
	_, err = client.Operation(t.Context(), "nobody")
	wantReason(t, err, contract.ReasonUnknownOperation)
	if err := client.Release(t.Context(), "nobody"); err != nil {
		t.Errorf("releasing what is not there: %v", err)
	}
}

func TestCancelAfterTheCommitPoint(t *testing.T) {
	client := start(t, memory(), notes())
	r := request(t, source("notes", "1.0", "{\"id\":1}\n"))
	if _, err := client.Import(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err := client.Cancel(t.Context(), r.OperationID)
	wantReason(t, err, contract.ReasonAlreadyCommitted)
}

func TestVerifySaysWhatAnExportWouldGive(t *testing.T) {
	client := start(t, memory(manyNotes(100)...), notes())
	result, _, err := export(t, client)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := client.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, v := result.Datasets[0], verified.Datasets[0]
	if d.Digest != v.Digest || d.Rows != v.Rows || d.Size != v.Size || len(verified.Problems) > 0 {
		t.Errorf("verified %+v, exported %+v", v, d)
	}
	_, err = client.Verify(t.Context(), "nothing")
	wantReason(t, err, contract.ReasonUnknownDataset)
}

func TestFingerprintsAreACapability(t *testing.T) {
	client := start(t, memory(), notes())
	_, err := client.Fingerprints(t.Context())
	wantReason(t, err, contract.ReasonCapabilityMissing)
	r := request(t, source("notes", "1.0", "{\"id\":1}\n"))
	r.Expected = map[string][]byte{"notes": []byte("x")}
	_, err = client.Import(t.Context(), r)
	wantReason(t, err, contract.ReasonCapabilityMissing)
}

func TestUnknownFields(t *testing.T) {
	for name, test := range map[string]struct {
		policy contract.UnknownFields
		want   string
	}{
		"kept":     {contract.KeepUnknown, `{"id":1,"new":true}`},
		"reported": {contract.ReportUnknown, `{"id":1}`},
		"refused":  {contract.RefuseUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := notes()
			o.Datasets[0].Fields, o.Datasets[0].UnknownFields = []string{"id", "text"}, test.policy
			held := memory()
			result, err := start(t, held, o).Import(t.Context(), request(t, source("notes", "1.0", `{"id":1,"new":true}`+"\n")))
			if test.want == "" {
				wantReason(t, err, contract.ReasonPayloadInvalid)
				return
			}

			if err != nil {
				t.Fatal(err)
			}
			if got := string(held.Rows("notes")[0]); got != test.want {
				t.Errorf("stored %s, want %s", got, test.want)
			}
			dropped := result.Datasets[0].Dropped
			if want := test.policy == contract.ReportUnknown; (len(dropped) == 1 && dropped[0].Path == "/new") != want {
				t.Errorf("dropped %+v", fmt.Sprint(dropped))
			}
		})
	}
}
