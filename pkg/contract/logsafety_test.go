package contract_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
	"github.com/appbur/appbur/pkg/contract/metrics"
)

// locked is a log that several goroutines write.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// leaky is an application whose state is a secret, and which fails where it is configured
// to with an error that quotes it.
type leaky struct {
	failing string
	panics  bool
}

func (a *leaky) fail(where string) error {
	if a.failing != where {
		return nil
	}
	if a.panics {
		panic("duplicate key (password)=(" + canary + ")")
	}
	return fmt.Errorf("duplicate key (password)=(%s)", canary)
}

// Ready looks at no data; what it says may be logged, how it crashes may not.
func (a *leaky) Ready(context.Context) error {
	if a.panics {
		return a.fail("ready")
	}
	return nil
}

func (a *leaky) Estimate(context.Context, string) (rows, size int64, err error) {
	return 1, 1, a.fail("estimate")
}

func (a *leaky) Fingerprint(context.Context, string) ([]byte, error) {
	return []byte(canary), a.fail("fingerprint")
}

func (a *leaky) Verify(context.Context) ([]string, error) {
	return []string{"the password " + canary + " is too short"}, a.fail("verify")
}

func (a *leaky) Snapshot(context.Context) (contract.Snapshot, error) { return leakyView{a}, nil }

func (a *leaky) Begin(context.Context) (contract.Transaction, error) {
	return leakyTransaction{leakyView{a}}, nil
}

type leakyView struct{ *leaky }

func (v leakyView) Rows(context.Context, string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		rows := []contract.Row{row(`{"id":%q}`, canary), row(`{"id":%q}`, canary+"1")}
		switch v.failing {
		case "order":
			rows[0], rows[1] = rows[1], rows[0]
		case "twice":
			rows[1] = rows[0]
		case "garbage":
			rows[1] = row(`{"id":%s`, canary)
		case "no key":
			rows[1] = row(`{"other":%q}`, canary)
		case "key of a wrong type":
			rows[1] = row(`{"id":[%q]}`, canary)
		}

		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}

		if err := v.fail("rows"); err != nil {
			yield(nil, err)
		}
	}
}

func (v leakyView) Close() error { return v.fail("close") }

type leakyTransaction struct{ leakyView }

func (x leakyTransaction) Replace(_ context.Context, _ string, rows iter.Seq2[contract.Row, error]) error {
	for _, err := range rows {
		if err != nil {
			return fmt.Errorf("at %s: %w", canary, err)
		}
	}
	if x.failing == "rollback" && !x.panics {
		return errors.New("first " + canary)
	}
	return x.fail("replace")
}

func (x leakyTransaction) Commit(context.Context) error   { return x.fail("commit") }
func (x leakyTransaction) Rollback(context.Context) error { return x.fail("rollback") }

// IMP-027: values of sensitive datasets are never in logs, errors, statuses,
// operations or metrics, whatever goes wrong.
func TestValuesAreNeverTold(t *testing.T) {
	payloads := map[string]string{
		"good":      `{"id":"` + canary + `"}` + "\n" + `{"id":"` + canary + `1"}` + "\n",
		"unordered": `{"id":"` + canary + `1"}` + "\n" + `{"id":"` + canary + `"}` + "\n",
		"garbage":   `{"id":"` + canary + `}` + "\n",
		"keyless":   `{"other":"` + canary + `"}` + "\n",
		"unknown":   `{"id":"` + canary + `","more":"` + canary + `"}` + "\n",
		"cut":       `{"id":"` + canary + `"}`,
	}

	for _, failing := range []string{
		"nothing", "ready", "estimate", "fingerprint", "verify", "rows", "close", "replace", "commit", "rollback",
		"order", "twice", "garbage", "no key", "key of a wrong type",
	} {
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s panics %t", failing, panics), func(t *testing.T) {
				var log locked
				counts := metrics.New()
				o := notes()
				o.Datasets[0].Clear, o.Datasets[0].Fields, o.Datasets[0].UnknownFields = false, []string{"id"}, contract.RefuseUnknown
				o.Datasets[0].Schema = "2.0"
				o.Datasets[0].Upcasts = []contract.Upcast{{From: "1.0", To: "2.0", Row: func(row map[string]any) (map[string]any, error) {
					return row, fmt.Errorf("bad row %v", row)
				}}}
				o.Log, o.Metrics = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), counts
				client := start(t, &leaky{failing, panics}, o)
				reported := []error{}
				_, _, err := export(t, client)
				reported = append(reported, err)
				for name, text := range payloads {
					for _, schema := range []string{"1.0", "2.0"} {
						r := request(t, source("notes", schema, text))
						_, err := client.Import(t.Context(), r)
						if err == nil && name != "good" {
							t.Errorf("%s was imported", name)
						}
						reported = append(reported, err)
					}
				}
				_, err = client.Verify(t.Context())
				reported = append(reported, err)
				_, err = client.Fingerprints(t.Context())
				reported = append(reported, err)
				// A chunk that is not what it claims.
				reported = append(reported, sendWrongChunk(t, client))
				operations, err := client.Operations(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, op := range operations {
					reported = append(reported, op.Err)
				}
				for _, err := range reported {
					var e *contract.Error
					text := fmt.Sprintf("%v %+v", err, err)
					if errors.As(err, &e) {
						text += fmt.Sprint(e.Metadata, status.Convert(e).Proto())
					}
					if strings.Contains(text, canary) {
						t.Errorf("an error contains the value: %s", text)
					}
				}
				if counted := scrape(t, counts); strings.Contains(counted, canary) {
					t.Errorf("metrics contain the value: %s", counted)
				}
				if !strings.Contains(log.String(), "a call ended") || !strings.Contains(log.String(), "sourceAppId") {
					t.Error("the log does not show calls; the test proves nothing")
				}
				for line := range strings.Lines(log.String()) {
					if strings.Contains(line, canary) {
						t.Errorf("the log contains the value: %s", line)
					}
				}
			})
		}
	}
}

// sendWrongChunk breaks off an import by a chunk with a wrong checksum.
func sendWrongChunk(t *testing.T, client *contract.Client) error {
	t.Helper()
	stream, err := contractpb.NewAppStateClient(client.Connection()).Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	digest := sha256.Sum256([]byte(canary))
	for _, m := range []*contractpb.ImportRequest{
		{Message: &contractpb.ImportRequest_Open{Open: &contractpb.ImportOpen{
			OperationId: operationID(t), SourceAppId: "notes", Expected: []*contractpb.Fingerprint{{Dataset: "notes", Token: []byte(canary)}},
			Datasets: []*contractpb.ImportDataset{{Name: "notes", Schema: "2.0", Rows: 1, Bytes: uint64(len(canary)), Sha256: digest[:]}},
		}}},
		{Message: &contractpb.ImportRequest_Chunk{Chunk: &contractpb.Chunk{Dataset: "notes", Data: []byte(canary), Crc32C: 1}}},
	} {
		if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}

	for {
		if _, err := stream.Recv(); err != nil {
			if status.Code(err).String() == "OK" {
				t.Error("a wrong chunk was taken")
			}
			return err
		}
	}
}
