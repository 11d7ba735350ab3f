package contracttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// mayGive says which reasons a call may give, from the table of SPEC.md.
var mayGive = map[string]string{
	"GetInfo": "INVALID_REQUEST NO_COMMON_VERSION PANIC",
	"Export": "INVALID_REQUEST UNKNOWN_DATASET BACKEND_UNAVAILABLE NOT_QUIESCED NO_SPACE TOO_LARGE APP_FAILED PANIC OPERATION_IN_PROGRESS " +
		"OPERATION_CONFLICT TOO_MANY_OPERATIONS OPERATION_CANCELLED SNAPSHOT_EXPIRED OFFSET_MISMATCH CAPABILITY_MISSING",
	"Import": "INVALID_REQUEST PAYLOAD_INVALID SCHEMA_TOO_NEW SCHEMA_TOO_OLD UNKNOWN_DATASET WRONG_APP OPERATION_IN_PROGRESS " +
		"OPERATION_CONFLICT OPERATION_CANCELLED OFFSET_MISMATCH CHECKSUM_MISMATCH NO_SPACE TOO_LARGE BACKEND_UNAVAILABLE NOT_QUIESCED " +
		"CONSTRAINT_VIOLATION VERIFY_FAILED TARGET_CHANGED CAPABILITY_MISSING APP_FAILED PANIC",
	"ReleaseExport":   "INVALID_REQUEST CAPABILITY_MISSING",
	"GetFingerprint":  "UNKNOWN_DATASET BACKEND_UNAVAILABLE CAPABILITY_MISSING APP_FAILED PANIC",
	"Verify":          "INVALID_REQUEST UNKNOWN_DATASET BACKEND_UNAVAILABLE NOT_QUIESCED NO_SPACE APP_FAILED PANIC CAPABILITY_MISSING",
	"GetOperation":    "INVALID_REQUEST UNKNOWN_OPERATION CAPABILITY_MISSING",
	"CancelOperation": "INVALID_REQUEST UNKNOWN_OPERATION ALREADY_COMMITTED CAPABILITY_MISSING",
}

// retried are the reasons that RetryInfo must come with, from the same text.
const retried = "OPERATION_IN_PROGRESS OFFSET_MISMATCH CHECKSUM_MISMATCH BACKEND_UNAVAILABLE TOO_MANY_OPERATIONS"

// documented makes sure that an error is one that the call may give.
func documented(call string, err error) error {
	if err == nil {
		return nil
	}
	a := read(err)
	switch {
	case !a.informed:
		return fmt.Errorf("%s: an error without ErrorInfo: %w", call, err)
	case !word(mayGive[call], a.reason):
		return fmt.Errorf("%s may not give the reason %q: %w", call, a.reason, err)
	case a.reason.Code() != a.code:
		return fmt.Errorf("%s: reason %s came with code %s, want %s", call, a.reason, a.code, a.reason.Code())
	case a.retry != word(retried, a.reason):
		return fmt.Errorf("%s: reason %s and RetryInfo %t do not go together", call, a.reason, a.retry)
	}
	return nil
}

func word(list string, reason contract.Reason) bool {
	for w := range strings.FieldsSeq(list) {
		if w == string(reason) {
			return true
		}
	}
	return false
}

// wrong makes requests that something is wrong with.
type wrong struct {
	*rand.Rand
	s *session
	r *rawImport
}

func newWrong(s *session, before state) *wrong {
	return &wrong{rand.New(rand.NewPCG(3, 4)), s, s.raw(before)}
}

func pick[T any](w *wrong, from ...T) T { return from[w.IntN(len(from))] }

func (w *wrong) id() string {
	return pick(w, "", "-", "ä", strings.Repeat("x", 129), "a b", "a\n", w.s.operation(), w.s.operation())
}

func (w *wrong) dataset() string {
	return pick(w, "", "no-such-dataset", "UPPER", w.s.info.Datasets[0].Name, w.s.info.Datasets[len(w.s.info.Datasets)-1].Name)
}

func (w *wrong) number() uint64 {
	return pick(w, 0, 1, uint64(w.IntN(1000)), math.MaxInt64, math.MaxInt64+1, math.MaxUint64)
}

func (w *wrong) digest() []byte { return make([]byte, pick(w, 0, 1, 31, sha256.Size, 33)) }

func (w *wrong) export() *contractpb.ExportRequest {
	e := &contractpb.ExportRequest{OperationId: w.id(), MaxChunkBytes: uint32(w.number())}
	for range w.IntN(3) {
		e.Datasets = append(e.Datasets, w.dataset())
	}
	if w.IntN(2) == 0 {
		e.Resume = &contractpb.ExportResume{SnapshotId: pick(w, "", "x"), Dataset: w.dataset(), Offset: w.number()}
	}
	return e
}

func (w *wrong) open() *contractpb.ImportOpen {
	if w.IntN(2) == 0 {
		o := proto.CloneOf(w.r.open)
		o.OperationId = w.id()
		return o
	}

	o := &contractpb.ImportOpen{
		OperationId: w.id(), DryRun: w.IntN(2) == 0,
		SourceAppId: pick(w, "", "somebody-else", w.s.info.App, w.s.info.App),
	}
	for range w.IntN(4) {
		d := &contractpb.ImportDataset{
			Name: w.dataset(), Rows: w.number(), Bytes: w.number(), Sha256: w.digest(),
			Schema: pick(w, "", "x", "1", "01.0", "999999.0", "0.0", w.s.info.Datasets[0].Schema),
		}
		o.Datasets = append(o.Datasets, d)
	}

	if w.IntN(4) == 0 {
		o.Expected = append(o.Expected, &contractpb.Fingerprint{Dataset: w.dataset(), Token: w.digest()})
	}
	return o
}

func (w *wrong) chunk() *contractpb.Chunk {
	c := &contractpb.Chunk{Dataset: w.dataset(), Offset: w.number(), Data: w.digest()}
	if len(w.r.chunks) > 0 && w.IntN(2) == 0 {
		c = proto.CloneOf(pick(w, w.r.chunks...))
	}
	if c.Crc32C = checksum(c.GetData()); w.IntN(3) == 0 {
		c.Crc32C++
	}
	return c
}

// importing never carries the commit of a manifest that could be applied.
func (w *wrong) importing() []*contractpb.ImportRequest {
	var messages []*contractpb.ImportRequest
	if w.IntN(5) > 0 {
		messages = append(messages, openMessage(w.open()))
	}
	for range w.IntN(4) {
		messages = append(messages, pick(w,
			chunkMessage(w.chunk()), chunkMessage(w.chunk()), openMessage(w.open()),
			commitMessage(&contractpb.ImportCommit{ManifestSha256: w.digest()}), &contractpb.ImportRequest{}))
	}
	return messages
}

// fruitless bounds one wrong call.
const fruitless = 10 * time.Second

func netReasons(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	w := newWrong(s, before)
	for i := range s.config.Fuzz {
		call, err := w.call(ctx)
		if err := documented(call, err); err != nil {
			return fmt.Errorf("wrong request %d: %w", i+1, err)
		}
		if read(err).reason == contract.ReasonPanic {
			return fmt.Errorf("wrong request %d crashed %s: %w", i+1, call, err)
		}
	}
	return s.unchanged(ctx, before)
}

// call sends one wrong request.
func (w *wrong) call(ctx context.Context) (call string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fruitless)
	defer cancel()
	stub := w.s.stub

	switch w.IntN(10) {
	case 0:
		_, err := stub.GetInfo(ctx, &contractpb.GetInfoRequest{ContractVersions: pick(w, nil, []string{""}, []string{"v0", "\x00"})})
		return "GetInfo", err
	case 1, 2:
		stream, err := stub.Export(ctx, w.export())
		if err == nil {
			_, err = drain(stream)
		}
		return "Export", err
	case 3:
		_, err := stub.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: w.id()})
		return "ReleaseExport", err
	case 4:
		_, err := stub.GetFingerprint(ctx, &contractpb.GetFingerprintRequest{Datasets: []string{w.dataset()}})
		return "GetFingerprint", err
	case 5:
		stream, err := stub.Verify(ctx, &contractpb.VerifyRequest{Datasets: []string{w.dataset()}})
		for err == nil {
			_, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return "Verify", err
	case 6:
		_, err := stub.GetOperation(ctx, &contractpb.GetOperationRequest{OperationId: w.id()})
		return "GetOperation", err
	case 7:
		_, err := stub.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: w.id()})
		return "CancelOperation", err
	default:
		return "Import", play(ctx, stub, w.importing())
	}
}

// raw sends and receives messages as bytes.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) {
	data, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no bytes", v)
	}
	return *data, nil
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	into, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is no bytes", v)
	}
	*into = append((*into)[:0], data...)
	return nil
}

func (rawCodec) Name() string { return "proto" }

// garbage is random bytes, or a message with random damage.
func (w *wrong) garbage(call string) []byte {
	data := make([]byte, w.IntN(200))
	for i := range data {
		data[i] = byte(w.Uint32())
	}
	if w.IntN(3) == 0 {
		return data
	}
	var valid proto.Message = w.export()

	if call == "Import" {
		if all := w.importing(); len(all) > 0 {
			valid = all[0]
		}
	}
	encoded, err := proto.Marshal(valid)
	if err != nil || len(encoded) == 0 {
		return data
	}
	if w.IntN(2) == 0 {
		return encoded[:w.IntN(len(encoded)+1)]
	}
	encoded[w.IntN(len(encoded))] ^= 1 << w.IntN(8)
	return encoded
}

func netGarbage(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	w := newWrong(s, before)
	var calls []string
	for _, m := range contractpb.AppState_ServiceDesc.Methods {
		calls = append(calls, m.MethodName)
	}
	for _, m := range contractpb.AppState_ServiceDesc.Streams {
		calls = append(calls, m.StreamName)
	}

	for i := range s.config.Fuzz {
		call := calls[i%len(calls)]
		err := s.garble(ctx, w, call)
		a := read(err)
		if a.reason == contract.ReasonPanic || a.code == codes.Unavailable && !a.informed || a.code == codes.DeadlineExceeded {
			return fmt.Errorf("garbage %d: %s ended with %w", i+1, call, err)
		}
	}

	if _, err := s.client.Info(ctx); err != nil {
		return fmt.Errorf("after garbage: %w", err)
	}
	return s.unchanged(ctx, before)
}

// garble sends garbage to one call and reads until it ends.
func (s *session) garble(ctx context.Context, w *wrong, call string) error {
	ctx, cancel := context.WithTimeout(ctx, fruitless)
	defer cancel()
	method := "/" + contractpb.AppState_ServiceDesc.ServiceName + "/" + call
	stream, err := s.client.Connection().NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
		grpc.ForceCodec(rawCodec{}))
	if err != nil {
		return err
	}
	messages := 1
	if call == "Import" {
		messages += w.IntN(3)
	}

	for range messages {
		data := w.garbage(call)
		if stream.SendMsg(&data) != nil {
			break // the answer says why
		}
	}

	_ = stream.CloseSend()
	for {
		var data []byte
		if err := stream.RecvMsg(&data); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
