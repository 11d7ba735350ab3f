package contracttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/appbur/appbur/pkg/contract/contractpb"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// lies are what a liar changes of what an honest application says.
type lies struct {
	info      func(*contractpb.GetInfoResponse)
	export    func(*contractpb.ExportResponse) ([]*contractpb.ExportResponse, bool)
	importing func(*contractpb.ImportRequest)
	result    func(*contractpb.ImportResult)
}

// liar serves the good application through a proxy that lies.
func liar(l lies) func(context.Context) (*contracttest.Instance, error) {
	return func(ctx context.Context) (*contracttest.Instance, error) {
		honest, err := contracttest.InProcess(good)(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := grpc.NewClient(honest.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		path := filepath.Join(filepath.Dir(honest.Address[len("unix://"):]), "liar")
		listener, err := net.Listen("unix", path)
		if err != nil {
			return nil, err
		}
		server := grpc.NewServer()
		contractpb.RegisterAppStateServer(server, &proxy{honest: contractpb.NewAppStateClient(conn), lies: l})
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		return &contracttest.Instance{Address: "unix://" + path, Stop: func() error {
			server.Stop()
			return errors.Join(<-served, conn.Close(), honest.Stop())
		}}, nil
	}
}

type proxy struct {
	contractpb.UnimplementedAppStateServer
	honest contractpb.AppStateClient
	lies   lies
}

func (p *proxy) GetInfo(ctx context.Context, request *contractpb.GetInfoRequest) (*contractpb.GetInfoResponse, error) {
	response, err := p.honest.GetInfo(ctx, request)
	if err == nil && p.lies.info != nil {
		p.lies.info(response)
	}
	return response, err
}

func (p *proxy) Export(request *contractpb.ExportRequest, down grpc.ServerStreamingServer[contractpb.ExportResponse]) error {
	up, err := p.honest.Export(down.Context(), request)
	if err != nil {
		return err
	}
	for {
		m, err := up.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		messages, more := []*contractpb.ExportResponse{m}, true
		if p.lies.export != nil {
			messages, more = p.lies.export(m)
		}
		for _, m := range messages {
			if err := down.Send(m); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

func (p *proxy) Import(down grpc.BidiStreamingServer[contractpb.ImportRequest, contractpb.ImportResponse]) error {
	ctx, cancel := context.WithCancel(down.Context())
	defer cancel()
	up, err := p.honest.Import(ctx)
	if err != nil {
		return err
	}
	go func() {
		for {
			m, err := down.Recv()
			if err != nil {
				// The end of the requests, or of the call.
				_ = up.CloseSend()
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
		if err != nil {
			return err
		}
		if m.GetResult() != nil && p.lies.result != nil {
			p.lies.result(m.GetResult())
		}
		if err := down.Send(m); err != nil {
			return status.Error(codes.Canceled, err.Error())
		}
	}
}

func truncate(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, bool) {
	if m.GetDatasetTrailer() != nil {
		return nil, false
	}
	return []*contractpb.ExportResponse{m}, true
}

func wrongDigest(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, bool) {
	if t := m.GetDatasetTrailer(); t != nil {
		t.Sha256[0] ^= 1
	}
	return []*contractpb.ExportResponse{m}, true
}

// loseChunk loses the first chunk of members in every stream.
func loseChunk(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, bool) {
	if c := m.GetChunk(); c.GetDataset() == "members" && c.GetOffset() == 0 {
		return nil, true
	}
	return []*contractpb.ExportResponse{m}, true
}

func shiftChunk(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, bool) {
	if c := m.GetChunk(); c != nil {
		c.Offset++
	}
	return []*contractpb.ExportResponse{m}, true
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

func hideDropped(r *contractpb.ImportResult) {
	for _, d := range r.GetDatasets() {
		d.Dropped = nil
	}
}

func counting() func(*contractpb.GetInfoResponse) {
	var mu sync.Mutex
	n := 0
	return func(r *contractpb.GetInfoResponse) {
		mu.Lock()
		defer mu.Unlock()
		n++
		r.InstanceId = fmt.Sprint(n)
	}
}

func noLimits(r *contractpb.GetInfoResponse) { r.Limits.MaxRowBytes = 0 }
