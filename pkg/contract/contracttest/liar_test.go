package contracttest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// lies are what a liar changes of what an honest application sends and receives.
type lies struct {
	info        func(*contractpb.GetInfoResponse)
	exporting   func(*contractpb.ExportRequest)
	export      func(*contractpb.ExportResponse) ([]*contractpb.ExportResponse, error)
	importing   func(*contractpb.ImportRequest)
	state       func(*contractpb.ImportState)
	result      func(*contractpb.ImportResult)
	release     func() error
	fingerprint func(*contractpb.Fingerprint)
	// refuse turns requests down, fail replaces errors.
	refuse func(proto.Message) error
	fail   func(error) error
	// leaky never cancels a call in the application when its caller left.
	leaky bool
	// late takes the snapshot of an export in small chunks, as the kit requests to hold one
	// open, after the header and the next write.
	late bool
	// timeout ends exports after a time.
	timeout  time.Duration
	noCancel bool
	noHealth bool
}

// liar serves the good application through a proxy that lies.
func liar(l lies) func(context.Context) (*contracttest.Instance, error) {
	return lying(contracttest.InProcess(good), l)
}

// lying puts a proxy that lies before any application.
func lying(start func(context.Context) (*contracttest.Instance, error), l lies) func(context.Context) (*contracttest.Instance, error) {
	return func(ctx context.Context) (*contracttest.Instance, error) {
		honest, err := start(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := grpc.NewClient(honest.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}

		dir, err := os.MkdirTemp("", "appbur")
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, "liar")
		listener, err := net.Listen("unix", path)
		if err != nil {
			return nil, err
		}
		server := grpc.NewServer()
		p := newLiarProxy(conn, l)

		contractpb.RegisterAppStateServer(server, p)
		if !l.noHealth {
			grpc_health_v1.RegisterHealthServer(server, &healthProxy{honest: grpc_health_v1.NewHealthClient(conn)})
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		lying := *honest
		lying.Address = "unix://" + path

		if honest.Mutate != nil {
			lying.Mutate = func(ctx context.Context) error {
				defer p.wrote()
				return honest.Mutate(ctx)
			}
		}
		lying.Stop = func() error {
			p.stop()
			server.Stop()
			return errors.Join(<-served, conn.Close(), honest.Stop(), os.RemoveAll(dir))
		}
		return &lying, nil
	}
}

// healthProxy passes health on.
type healthProxy struct {
	grpc_health_v1.UnimplementedHealthServer
	honest grpc_health_v1.HealthClient
}

func (p *healthProxy) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	return p.honest.Check(ctx, r)
}

func (p *healthProxy) Watch(r *grpc_health_v1.HealthCheckRequest,
	down grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse],
) error {
	up, err := p.honest.Watch(down.Context(), r)
	for err == nil {
		var m *grpc_health_v1.HealthCheckResponse
		if m, err = up.Recv(); err == nil {
			err = down.Send(m)
		}
	}
	return err
}

type proxy struct {
	contractpb.UnimplementedAppStateServer
	honest contractpb.AppStateClient
	lies   lies
	// ctx is that of calls that outlive their callers.
	ctx  context.Context
	stop context.CancelFunc
	// written is signalled when the state has changed.
	written chan struct{}
}

// wrote signals a change; it never blocks.
func (p *proxy) wrote() {
	select {
	case p.written <- struct{}{}:
	default:
	}
}

func newLiarProxy(conn *grpc.ClientConn, l lies) *proxy {
	p := &proxy{honest: contractpb.NewAppStateClient(conn), lies: l, written: make(chan struct{}, 1)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

func (p *proxy) failure(err error) error {
	if err != nil && p.lies.fail != nil {
		return p.lies.fail(err)
	}
	return err
}

func (p *proxy) refused(m proto.Message) error {
	if p.lies.refuse != nil {
		return p.lies.refuse(m)
	}
	return nil
}

func (p *proxy) upstream(ctx context.Context) context.Context {
	if p.lies.leaky {
		return p.ctx
	}
	return ctx
}

func (p *proxy) GetInfo(ctx context.Context, request *contractpb.GetInfoRequest) (*contractpb.GetInfoResponse, error) {
	if err := p.refused(request); err != nil {
		return nil, err
	}
	response, err := p.honest.GetInfo(ctx, request)
	if err == nil && p.lies.info != nil {
		p.lies.info(response)
	}
	return response, p.failure(err)
}

func (p *proxy) ReleaseExport(ctx context.Context, r *contractpb.ReleaseExportRequest) (*contractpb.ReleaseExportResponse, error) {
	if p.lies.release != nil {
		if err := p.lies.release(); err != nil {
			return nil, err
		}
	}
	response, err := p.honest.ReleaseExport(ctx, r)
	return response, p.failure(err)
}

func (p *proxy) GetFingerprint(ctx context.Context, r *contractpb.GetFingerprintRequest) (*contractpb.GetFingerprintResponse, error) {
	response, err := p.honest.GetFingerprint(ctx, r)
	if p.lies.fingerprint != nil {
		for _, f := range response.GetFingerprints() {
			p.lies.fingerprint(f)
		}
	}
	return response, p.failure(err)
}

func (p *proxy) ListOperations(ctx context.Context, r *contractpb.ListOperationsRequest) (*contractpb.ListOperationsResponse, error) {
	response, err := p.honest.ListOperations(ctx, r)
	return response, p.failure(err)
}

func (p *proxy) GetOperation(ctx context.Context, r *contractpb.GetOperationRequest) (*contractpb.GetOperationResponse, error) {
	response, err := p.honest.GetOperation(ctx, r)
	return response, p.failure(err)
}

func (p *proxy) CancelOperation(ctx context.Context, r *contractpb.CancelOperationRequest) (*contractpb.CancelOperationResponse, error) {
	if p.lies.noCancel {
		return &contractpb.CancelOperationResponse{}, nil
	}
	response, err := p.honest.CancelOperation(ctx, r)
	return response, p.failure(err)
}

func (p *proxy) Export(request *contractpb.ExportRequest, down grpc.ServerStreamingServer[contractpb.ExportResponse]) error {
	if err := p.refused(request); err != nil {
		return err
	}
	if p.lies.exporting != nil {
		p.lies.exporting(request)
	}

	up, err := p.honest.Export(p.upstream(down.Context()), request)
	if err != nil {
		return err
	}
	late := p.lies.late && request.GetMaxChunkBytes() > 0
	if late {
		select {
		case <-p.written: // an earlier one
		default:
		}
	}
	begun := time.Now()

	for {
		m, err := up.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.failure(err)
		}
		if p.lies.timeout > 0 && time.Since(begun) > p.lies.timeout {
			return contract.NewError(contract.ReasonAppFailed, "the export took too long")
		}
		messages := []*contractpb.ExportResponse{m}
		if p.lies.export != nil {
			if messages, err = p.lies.export(m); err != nil {
				return endOf(err)
			}
		}
		for _, m := range messages {
			if err := down.Send(m); err != nil {
				return err
			}
		}
		if late && m.GetHeader() != nil {
			// What follows comes from another snapshot, taken after a write.
			select {
			case <-p.written:
			case <-down.Context().Done():
				return down.Context().Err()
			}
			request.OperationId += "-late"
			if up, err = p.honest.Export(down.Context(), request); err != nil {
				return err
			}
			if _, err = up.Recv(); err != nil {
				return err
			}
			late = false
		}
	}
}

// errEnough ends a stream with OK.
var errEnough = errors.New("enough")

func endOf(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (p *proxy) Import(down grpc.BidiStreamingServer[contractpb.ImportRequest, contractpb.ImportResponse]) error {
	ctx, cancel := context.WithCancel(p.upstream(down.Context()))
	if !p.lies.leaky {
		defer cancel()
	}
	up, err := p.honest.Import(ctx)
	if err != nil {
		cancel()
		return err
	}

	refused := make(chan error, 1)
	go func() {
		for {
			m, err := down.Recv()
			if err != nil {
				// The end of the requests, or of the call.
				if !p.lies.leaky {
					_ = up.CloseSend()
				}
				return
			}
			if err := p.refused(m); err != nil {
				refused <- err
				cancel()
				return
			}
			if p.lies.importing != nil {
				p.lies.importing(m)
			}
			if up.Send(m) != nil {
				return
			}
		}
	}()

	for {
		m, err := up.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		select {
		case err := <-refused:
			return err
		default:
		}
		if err != nil {
			return p.failure(err)
		}
		if m.GetResult() != nil {
			p.wrote()
		}
		if m.GetResult() != nil && p.lies.result != nil {
			p.lies.result(m.GetResult())
		}
		if m.GetState() != nil && p.lies.state != nil {
			p.lies.state(m.GetState())
		}
		if err := down.Send(m); err != nil {
			return status.Error(codes.Canceled, err.Error())
		}
	}
}

func truncate(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, error) {
	if m.GetDatasetTrailer() != nil {
		return nil, errEnough
	}
	return []*contractpb.ExportResponse{m}, nil
}

func wrongDigest(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, error) {
	if t := m.GetDatasetTrailer(); t != nil {
		t.Sha256[0] ^= 1
	}
	return []*contractpb.ExportResponse{m}, nil
}

// loseChunk loses the first chunk of members in every stream.
func loseChunk(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, error) {
	if c := m.GetChunk(); c.GetDataset() == "members" && c.GetOffset() == 0 {
		return nil, nil
	}
	return []*contractpb.ExportResponse{m}, nil
}

func shiftChunk(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, error) {
	if c := m.GetChunk(); c != nil {
		c.Offset++
	}
	return []*contractpb.ExportResponse{m}, nil
}

// bloated adds to the header what no default client takes.
func bloated(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, error) {
	if m.GetHeader() != nil {
		m.GetHeader().AppVersion = strings.Repeat("x", 5<<20)
	}
	return []*contractpb.ExportResponse{m}, nil
}

func fromTheStart(r *contractpb.ExportRequest) {
	if r.GetResume() != nil {
		r.Resume.Offset = 0
	}
}

// asNew begins another export where one should be resumed.
func asNew(r *contractpb.ExportRequest) {
	if r.GetResume() != nil {
		r.Resume = nil
		r.OperationId += "-new"
	}
}

// tired requests what does not exist after n exports.
func tired(n int64) func(*contractpb.ExportRequest) {
	var exports atomic.Int64
	return func(r *contractpb.ExportRequest) {
		if exports.Add(1) > n {
			r.OperationId = "the last one"
		}
	}
}

func once() func() error {
	var calls atomic.Int64
	return func() error {
		if calls.Add(1) > 1 {
			return contract.NewError(contract.ReasonUnknownOperation, "released before")
		}
		return nil
	}
}

// forgetful makes every import look like a new operation.
func forgetful() func(*contractpb.ImportRequest) {
	var mu sync.Mutex
	n := 0
	return func(m *contractpb.ImportRequest) {
		mu.Lock()
		defer mu.Unlock()
		if open := m.GetOpen(); open != nil {
			n++
			open.OperationId = fmt.Sprintf("forgotten-%d", n)
		}
	}
}

// mended makes damaged chunks look undamaged: the flipped bit of the kit is flipped back.
func mended(m *contractpb.ImportRequest) {
	c := m.GetChunk()
	if c == nil || contractCRC(c.GetData()) == c.GetCrc32C() {
		return
	}
	c.Data[len(c.GetData())/2] ^= 1
}

// trusting corrects the manifest digest of every commit.
func trusting() func(*contractpb.ImportRequest) {
	var mu sync.Mutex
	var digest [sha256.Size]byte
	return func(m *contractpb.ImportRequest) {
		mu.Lock()
		defer mu.Unlock()
		if open := m.GetOpen(); open != nil {
			text := "appbur manifest v1\napp " + open.GetSourceAppId() + "\n"
			var lines []string
			for _, d := range open.GetDatasets() {
				lines = append(lines, fmt.Sprintf("%s %s %d %d %x\n", d.GetName(), d.GetSchema(), d.GetRows(), d.GetBytes(), d.GetSha256()))
			}
			slices.Sort(lines)
			digest = sha256.Sum256([]byte(text + strings.Join(lines, "")))
		}
		if c := m.GetCommit(); c != nil {
			c.ManifestSha256 = digest[:]
		}
	}
}

func hideDropped(r *contractpb.ImportResult) {
	for _, d := range r.GetDatasets() {
		d.Dropped = nil
	}
}

// miscounting changes every second result.
func miscounting() func(*contractpb.ImportResult) {
	var n atomic.Int64
	return func(r *contractpb.ImportResult) {
		for _, d := range r.GetDatasets() {
			d.Rows += uint64(n.Add(1))
			d.Sha256 = bytes.Repeat([]byte{byte(n.Load())}, len(d.GetSha256()))
		}
	}
}

func counting() func(*contractpb.GetInfoResponse) {
	var n atomic.Int64
	return func(r *contractpb.GetInfoResponse) { r.InstanceId = fmt.Sprint(n.Add(1)) }
}

func refuseUnknown(m proto.Message) error {
	if len(m.ProtoReflect().GetUnknown()) > 0 {
		return contract.NewError(contract.ReasonInvalidRequest, "unknown field")
	}
	return nil
}

// onlyInOrder wants members after teams in the announcement.
func onlyInOrder(m proto.Message) error {
	r, ok := m.(*contractpb.ImportRequest)
	if !ok || r.GetOpen() == nil {
		return nil
	}
	seen := ""
	for _, d := range r.GetOpen().GetDatasets() {
		if seen == "members" && d.GetName() == "teams" {
			return contract.NewError(contract.ReasonInvalidRequest, "members come after teams")
		}
		seen = d.GetName()
	}
	return nil
}

// crashing fails as a program does that crashes over an id that is too short or too
// long, and over an empty message.
func crashing(m proto.Message) error {
	crash := contract.NewError(contract.ReasonPanic, "index out of range")
	id := "long enough"
	switch r := m.(type) {
	case *contractpb.ExportRequest:
		id = r.GetOperationId()
	case *contractpb.ImportRequest:
		if r.GetMessage() == nil {
			return crash
		}
		if r.GetOpen() != nil {
			id = r.GetOpen().GetOperationId()
		}
	}
	if len(id) < 4 || len(id) > 128 {
		return crash
	}
	return nil
}

// anonymous takes the details from errors.
func anonymous(err error) error { return status.Error(status.Code(err), status.Convert(err).Message()) }

// withoutMetadata leaves the reason only.
func withoutMetadata(err error) error {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return contract.NewError(contract.Reason(info.GetReason()), "something is wrong")
		}
	}
	return err
}

// disguise gives errors of one reason another one.
func disguise(reason contract.Reason) func(error) error {
	return func(err error) error {
		for _, d := range status.Convert(err).Details() {
			if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == string(reason) {
				return contract.NewError(contract.ReasonAppFailed, "something is wrong")
			}
		}
		return err
	}
}

// quoting adds the last chunk to every error.
func quoting() lies {
	var mu sync.Mutex
	last := ""
	return lies{
		importing: func(m *contractpb.ImportRequest) {
			mu.Lock()
			defer mu.Unlock()
			if c := m.GetChunk(); c != nil {
				last = string(c.GetData())
			}
		},
		fail: func(err error) error {
			mu.Lock()
			defer mu.Unlock()
			return contract.NewError(contract.ReasonPayloadInvalid, "cannot take %s", last)
		},
	}
}
