package contract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// fuzzApp has one row that no fuzzed import may change unless it reports it.
type fuzzApp struct{ rows []Row }

func (a *fuzzApp) Snapshot(context.Context) (Snapshot, error) { return fuzzView{a.rows}, nil }
func (a *fuzzApp) Begin(context.Context) (Transaction, error) { return &fuzzTransaction{app: a}, nil }

type fuzzView struct{ rows []Row }

func (v fuzzView) Rows(context.Context, string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range v.rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}
func (fuzzView) Close() error { return nil }

type fuzzTransaction struct {
	app  *fuzzApp
	next []Row
}

func (t *fuzzTransaction) Replace(_ context.Context, _ string, rows iter.Seq2[Row, error]) error {
	t.next = nil
	for r, err := range rows {
		if err != nil {
			return err
		}
		t.next = append(t.next, bytes.Clone(r))
	}
	return nil
}
func (t *fuzzTransaction) Commit(context.Context) error { t.app.rows = t.next; return nil }
func (*fuzzTransaction) Rollback(context.Context) error { return nil }

// fuzzStream is both sides of a call: it receives messages that were prepared and
// counts those that are sent.
type fuzzStream struct {
	grpc.ServerStream
	ctx      context.Context
	requests []*contractpb.ImportRequest
	exported []*contractpb.ExportResponse
	imported []*contractpb.ImportResponse
}

func (s *fuzzStream) Context() context.Context { return s.ctx }

func (s *fuzzStream) Recv() (*contractpb.ImportRequest, error) {
	if len(s.requests) == 0 {
		return nil, io.EOF
	}
	m := s.requests[0]
	s.requests = s.requests[1:]
	return m, nil
}

type fuzzExport struct{ *fuzzStream }

func (s fuzzExport) Send(m *contractpb.ExportResponse) error {
	s.exported = append(s.exported, m)
	return nil
}

// SendMsg takes chunks the way that they travel.
func (s fuzzExport) SendMsg(m any) error {
	got := new(contractpb.ExportResponse)
	if err := transmit(m, got); err != nil {
		return err
	}
	return s.Send(got)
}

type fuzzImport struct{ *fuzzStream }

func (s fuzzImport) Send(m *contractpb.ImportResponse) error {
	s.imported = append(s.imported, m)
	return nil
}

// split reads messages that are each preceded by their length in one byte pair.
func split(data []byte) [][]byte {
	var parts [][]byte
	for len(data) >= 2 && len(parts) < 32 {
		n := min(int(data[0])<<8|int(data[1]), len(data)-2)
		parts = append(parts, data[2:2+n])
		data = data[2+n:]
	}
	return parts
}

func join(t testing.TB, messages ...proto.Message) []byte {
	t.Helper()
	var data []byte
	for _, m := range messages {
		encoded, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, byte(len(encoded)>>8), byte(len(encoded)))
		data = append(data, encoded...)
	}
	return data
}

// fuzzPayload is an import that succeeds.
func fuzzPayload() []proto.Message {
	row := []byte("{\"id\":2}\n")
	digest := sha256.Sum256(row)
	manifest := manifestDigest("notes", []totals{{"notes", "1.0", 1, int64(len(row)), appbur.Digest(digest)}})
	return []proto.Message{
		&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Open{Open: &contractpb.ImportOpen{
			OperationId: "one", SourceAppId: "notes",
			Datasets: []*contractpb.ImportDataset{{Name: "notes", Schema: "1.0", Rows: 1, Bytes: uint64(len(row)), Sha256: digest[:]}},
		}}},
		&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Chunk{Chunk: &contractpb.Chunk{
			Dataset: "notes", Data: row,
			Crc32C: checksum(row),
		}}},
		&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Commit{Commit: &contractpb.ImportCommit{ManifestSha256: manifest[:]}}},
	}
}

func fuzzService(t testing.TB) (*service, *fuzzApp) {
	t.Helper()
	app := &fuzzApp{rows: []Row{Row(`{"id":1}`)}}
	s, err := newService(app, Options{
		ID: "notes", Version: "1", MaxPayloadBytes: 1 << 20, Datasets: []Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}},
	}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return s, app
}

// known makes sure that an error is one of the contract, and no crash.
func known(t *testing.T, err error) {
	t.Helper()
	var e *Error
	switch {
	case err == nil, errors.Is(err, context.Canceled), status.Code(err) == codes.Canceled:
	case !errors.As(err, &e) || e.Reason.Code() == codes.Unknown:
		t.Errorf("an error without a reason: %v", err)
	case e.Reason == ReasonPanic:
		t.Errorf("a crash: %v", err)
	}
}

// FuzzServerRequests sends arbitrary messages in arbitrary order to every call. No
// error may be without a reason, nothing may crash, and what is stored changes by an
// import that says so only.
func FuzzServerRequests(f *testing.F) {
	good := fuzzPayload()
	f.Add(byte(0), join(f, &contractpb.GetInfoRequest{ContractVersions: []string{"v1"}}, &contractpb.GetInfoRequest{}))
	f.Add(byte(1), join(f, &contractpb.ExportRequest{OperationId: "one", MaxChunkBytes: 1},
		&contractpb.ExportRequest{OperationId: "one", Resume: &contractpb.ExportResume{Dataset: "notes", Offset: 3}}))
	f.Add(byte(2), join(f, good...))
	f.Add(byte(2), join(f, good[0], good[2], good[1]))
	f.Add(byte(2), join(f, good[0], good[1], good[1], good[2]))
	f.Add(byte(3), join(f, &contractpb.CancelOperationRequest{OperationId: "one"}))

	f.Fuzz(func(t *testing.T, call byte, data []byte) {
		s, app := fuzzService(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		applied := false
		parts := split(data)
		switch call % 4 {
		case 0:
			for _, p := range parts {
				m := new(contractpb.GetInfoRequest)
				if proto.Unmarshal(p, m) == nil {
					_, err := s.GetInfo(ctx, m)
					known(t, err)
				}
			}
		case 1:
			for _, p := range parts {
				m := new(contractpb.ExportRequest)
				if proto.Unmarshal(p, m) == nil {
					stream := &fuzzStream{ctx: ctx}
					err := s.Export(m, fuzzExport{stream})
					known(t, err)
					if whole := len(stream.exported) > 0 && stream.exported[len(stream.exported)-1].GetTrailer() != nil; whole != (err == nil) {
						t.Errorf("the stream is whole: %t, and ended with %v", whole, err)
					}
				}
			}
		case 2:
			stream := &fuzzStream{ctx: ctx}
			for _, p := range parts {
				m := new(contractpb.ImportRequest)
				if proto.Unmarshal(p, m) == nil {
					stream.requests = append(stream.requests, m)
				}
			}
			err := s.Import(fuzzImport{stream})
			known(t, err)
			for _, m := range stream.imported {
				applied = applied || m.GetResult().GetApplied()
			}
			if applied && err != nil {
				t.Errorf("a result came, and then %v", err)
			}
		case 3:
			for _, p := range parts {
				m := new(contractpb.CancelOperationRequest)
				if proto.Unmarshal(p, m) == nil {
					_, err := s.CancelOperation(ctx, m)
					known(t, err)
					_, err = s.GetOperation(ctx, &contractpb.GetOperationRequest{OperationId: m.GetOperationId()})
					known(t, err)
					_, err = s.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: m.GetOperationId()})
					known(t, err)
				}
			}
		}
		cancel()
		s.exports.close()
		s.imports.close()
		if !applied && !slices.EqualFunc(app.rows, []Row{Row(`{"id":1}`)}, func(a, b Row) bool { return bytes.Equal(a, b) }) {
			t.Errorf("without a result the state became %s", app.rows)
		}
	})
}

// fuzzClientExport plays prepared answers to a client.
type fuzzClientExport struct {
	grpc.ClientStream
	answers []*contractpb.ExportResponse
}

func (s *fuzzClientExport) Recv() (*contractpb.ExportResponse, error) {
	if len(s.answers) == 0 {
		return nil, io.EOF
	}
	m := s.answers[0]
	s.answers = s.answers[1:]
	return m, nil
}

type fuzzCalls struct {
	contractpb.AppStateClient
	answers []*contractpb.ExportResponse
}

func (c fuzzCalls) Export(context.Context, *contractpb.ExportRequest,
	...grpc.CallOption,
) (grpc.ServerStreamingClient[contractpb.ExportResponse], error) {
	return &fuzzClientExport{answers: c.answers}, nil
}

type fuzzSink map[string]*bytes.Buffer

func (s fuzzSink) Dataset(h DatasetHeader) (io.WriteCloser, error) {
	s[h.Name] = &bytes.Buffer{}
	return fuzzWriter{s[h.Name]}, nil
}

type fuzzWriter struct{ *bytes.Buffer }

func (fuzzWriter) Close() error { return nil }

// FuzzClientAnswers plays arbitrary answers to the client. It never crashes, and
// what it accepts agrees with its digests.
func FuzzClientAnswers(f *testing.F) {
	s, _ := fuzzService(f)
	stream := &fuzzStream{ctx: f.Context()}
	if err := s.Export(&contractpb.ExportRequest{OperationId: "one", MaxChunkBytes: 4}, fuzzExport{stream}); err != nil {
		f.Fatal(err)
	}
	s.exports.close()

	whole := make([]proto.Message, len(stream.exported))
	for i, m := range stream.exported {
		whole[i] = m
	}
	info, err := s.GetInfo(f.Context(), &contractpb.GetInfoRequest{ContractVersions: []string{"v1"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(join(f, whole...))
	f.Add(join(f, whole[:len(whole)-1]...))
	f.Add(join(f, slices.Concat(whole[:2], whole[3:])...))
	f.Add(join(f, info))

	f.Fuzz(func(t *testing.T, data []byte) {
		var answers []*contractpb.ExportResponse
		for _, p := range split(data) {
			m := new(contractpb.ExportResponse)
			if proto.Unmarshal(p, m) == nil {
				answers = append(answers, m)
			}
			described := new(contractpb.GetInfoResponse)
			if proto.Unmarshal(p, described) == nil {
				if read, err := readInfo(described); err == nil && read.Limits.MaxChunkBytes <= 0 {
					t.Errorf("a description without limits was accepted: %v", described)
				}
			}
		}
		sink := fuzzSink{}
		r := &receiver{request: &contractpb.ExportRequest{OperationId: "one"}, sink: sink}
		client := &Client{calls: fuzzCalls{answers: answers}, address: "nowhere"}
		if err := client.exportOnce(t.Context(), r); err != nil {
			_ = r.abandon()
			return
		}
		for _, d := range r.result.Datasets {
			if digest := appbur.DigestOf(sink[d.Name].Bytes()); digest != d.Digest {
				t.Errorf("dataset %s was accepted with %s and holds %s", d.Name, d.Digest, digest)
			}
		}
	})
}
