package contract_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// benchBytes is how much one round of the benchmarks transfers.
const benchBytes = 256 << 20

// benchRow is a row of about 1 KiB in canonical form.
func benchRow(i int) contract.Row {
	return row(`{"id":%d,"labels":{"env":"prod","team":"platform"},"replicas":%d,"text":"%0900d"}`, i, i%7, i)
}

// bulk is an application of any size that costs nothing itself.
type bulk struct {
	rows  []contract.Row
	block []byte
}

func (b *bulk) Snapshot(context.Context) (contract.Snapshot, error) { return b, nil }
func (b *bulk) Begin(context.Context) (contract.Transaction, error) { return b, nil }
func (*bulk) Close() error                                          { return nil }
func (*bulk) Commit(context.Context) error                          { return nil }
func (*bulk) Rollback(context.Context) error                        { return nil }

func (b *bulk) Rows(context.Context, string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, r := range b.rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (b *bulk) Payload(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(&endless{block: b.block}, benchBytes)), nil
}

func (*bulk) Replace(_ context.Context, _ string, rows iter.Seq2[contract.Row, error]) error {
	for _, err := range rows {
		if err != nil {
			return err
		}
	}
	return nil
}

func (*bulk) ReplacePayload(_ context.Context, _, _ string, payload io.Reader) error {
	_, err := io.Copy(io.Discard, payload)
	return err
}

// endless repeats a block.
type endless struct {
	block []byte
	at    int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.block[e.at:])
	e.at = (e.at + n) % len(e.block)
	return n, nil
}

// plain streams the same bytes without anything around them, or with the SHA-256
// that any proof of completeness needs at both ends.
type plain struct {
	contractpb.UnimplementedAppStateServer
	block  []byte
	digest bool
}

func (p *plain) Export(_ *contractpb.ExportRequest, stream grpc.ServerStreamingServer[contractpb.ExportResponse]) error {
	sum := sha256.New()
	for sent := 0; sent < benchBytes; sent += len(p.block) {
		if p.digest {
			sum.Write(p.block)
		}
		m := &contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{Chunk: &contractpb.Chunk{Data: p.block}}}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// line is how the two sides of a benchmark are connected. Without TLS nothing hides
// what the contract costs; with it, which the contract demands over TCP, is what users
// have.
type line struct {
	server, client *tls.Config
}

// BenchmarkTransfer compares exports and imports over loopback with plain gRPC
// streaming of as many bytes, without TLS and with it. Everything is in one run, so
// that the ratios mean something; docs/performance.md has figures.
func BenchmarkTransfer(b *testing.B) {
	app := &bulk{block: make([]byte, 256<<10)}
	for i := range app.block {
		app.block[i] = byte(i * 131)
	}

	size := 0
	for i := 0; size < benchBytes; i++ {
		app.rows = append(app.rows, benchRow(i))
		size += len(app.rows[i]) + 1
	}

	cert, pool := certificate(b)
	for name, l := range map[string]line{
		"clear": {},
		"tls": {
			server: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13},
			client: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13},
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.Run("plain", func(b *testing.B) { l.plain(b, &plain{block: app.block}) })
			b.Run("digested", func(b *testing.B) { l.plain(b, &plain{block: app.block, digest: true}) })
			b.Run("opaque", func(b *testing.B) { l.contract(b, app, "application/octet-stream") })
			b.Run("rows", func(b *testing.B) { l.contract(b, app, "") })
		})
	}
}

// plain measures streaming without the contract.
func (l line) plain(b *testing.B, p *plain) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	serving, calling := insecure.NewCredentials(), insecure.NewCredentials()
	if l.server != nil {
		serving, calling = credentials.NewTLS(l.server), credentials.NewTLS(l.client)
	}

	s := grpc.NewServer(grpc.Creds(serving))
	contractpb.RegisterAppStateServer(s, p)
	go func() { _ = s.Serve(listener) }()
	b.Cleanup(s.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(calling))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	b.SetBytes(benchBytes)

	for b.Loop() {
		stream, err := contractpb.NewAppStateClient(conn).Export(b.Context(), &contractpb.ExportRequest{})
		if err != nil {
			b.Fatal(err)
		}
		sum := sha256.New()
		for {
			m, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if p.digest {
				sum.Write(m.GetChunk().GetData())
			}
		}
	}
}

// contract measures an export and an import of one dataset.
func (l line) contract(b *testing.B, app *bulk, mediaType string) {
	client := l.serve(b, app, mediaType)
	sink := contract.SinkFunc(func(contract.DatasetHeader) (io.WriteCloser, error) { return discard{}, nil })
	n := 0
	id := func() string { n++; return fmt.Sprintf("bench-%d", n) }

	var result contract.ExportResult
	b.Run("export", func(b *testing.B) {
		b.SetBytes(benchBytes)
		for b.Loop() {
			var err error
			if result, err = client.Export(b.Context(), contract.ExportRequest{OperationID: id()}, sink); err != nil {
				b.Fatal(err)
			}
		}
	})

	b.Run("import", func(b *testing.B) {
		d := result.Datasets[0]
		source := contract.DatasetSource{
			Name: "data", Schema: "1.0", Rows: d.Rows, Size: d.Size, Digest: d.Digest,
			Open: func() (io.ReadCloser, error) {
				if mediaType != "" {
					return app.Payload(b.Context(), "")
				}
				return io.NopCloser(newRowReader(app.rows)), nil
			},
		}
		b.SetBytes(d.Size)
		for b.Loop() {
			if _, err := client.Import(b.Context(), contract.ImportRequest{
				OperationID: id(), SourceApp: "bulk", Datasets: []contract.DatasetSource{source},
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// serve serves the application until the benchmark ends.
func (l line) serve(b *testing.B, app *bulk, mediaType string) *contract.Client {
	d := contract.Dataset{Name: "data", Schema: "1.0", MediaType: mediaType}
	if mediaType == "" {
		d.Key = []string{"id"}
	}
	address := serveAt(b, "127.0.0.1:0", app, contract.Options{
		ID: "bulk", Version: "1", Datasets: []contract.Dataset{d}, TLS: l.server, Insecure: l.server == nil,
	})
	client, err := contract.Dial(b.Context(), address, contract.DialOptions{TLS: l.client, Insecure: l.client == nil})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	return client
}

// rowReader reads rows as a payload.
type rowReader struct {
	rows []contract.Row
	rest []byte
}

func newRowReader(rows []contract.Row) *rowReader { return &rowReader{rows: rows} }

func (r *rowReader) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if len(r.rest) == 0 {
			if len(r.rows) == 0 {
				break
			}
			r.rest = append(append(r.rest[:0:0], r.rows[0]...), '\n')
			r.rows = r.rows[1:]
		}
		m := copy(b[n:], r.rest)
		r.rest = r.rest[m:]
		n += m
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
