package contract_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// badPeer speaks the protocol and breaks its rules.
type badPeer struct {
	contractpb.UnimplementedAppStateServer
	messages []*contractpb.ExportResponse
}

func (*badPeer) GetInfo(context.Context, *contractpb.GetInfoRequest) (*contractpb.GetInfoResponse, error) {
	return &contractpb.GetInfoResponse{ContractVersion: "v1", AppId: "bad", Limits: &contractpb.Limits{MaxChunkBytes: 1, MaxRowBytes: 1}}, nil
}

func (p *badPeer) Export(r *contractpb.ExportRequest, stream grpc.ServerStreamingServer[contractpb.ExportResponse]) error {
	for _, m := range p.messages {
		if m.GetHeader() != nil {
			m.GetHeader().OperationId = r.GetOperationId()
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func header() *contractpb.ExportResponse {
	return &contractpb.ExportResponse{Message: &contractpb.ExportResponse_Header{Header: &contractpb.ExportHeader{
		SnapshotId: "s", AppId: "bad", SnapshotTime: timestamppb.New(time.Unix(0, 0)),
		Datasets: []*contractpb.ExportedDataset{{Name: "notes", Schema: "1.0", MediaType: contract.MediaType, Key: []string{"id"}}},
	}}}
}

func TestExportsOfBadPeersAreErrors(t *testing.T) {
	garbage := &contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{Chunk: &contractpb.Chunk{
		Dataset: "notes",
		Data:    []byte("garbage"),
	}}}
	tests := map[string]struct {
		messages []*contractpb.ExportResponse
		want     error
	}{
		"nothing comes":     {nil, contract.ErrIncomplete},
		"it stops half-way": {[]*contractpb.ExportResponse{header()}, contract.ErrIncomplete},
		"garbage comes":     {[]*contractpb.ExportResponse{header(), garbage}, contract.ErrViolation},
		"no header comes":   {[]*contractpb.ExportResponse{garbage}, contract.ErrViolation},
		"two headers come":  {[]*contractpb.ExportResponse{header(), header()}, contract.ErrViolation},
		"nonsense in header": {
			[]*contractpb.ExportResponse{{Message: &contractpb.ExportResponse_Header{Header: &contractpb.ExportHeader{}}}},
			contract.ErrViolation,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer()
			contractpb.RegisterAppStateServer(server, &badPeer{messages: test.messages})
			served := make(chan error, 1)
			go func() { served <- server.Serve(l) }()
			client, err := contract.Dial(t.Context(), l.Addr().String(), contract.DialOptions{Insecure: true})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = export(t, client)
			if !errors.Is(err, test.want) || appbur.HintOf(err) == "" {
				t.Errorf("got %v with hint %q, want %v", err, appbur.HintOf(err), test.want)
			}
			server.Stop()
			if err := errors.Join(client.Close(), <-served); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatDoesNotServeTheContract(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	_, err = contract.Dial(t.Context(), l.Addr().String(), contract.DialOptions{Insecure: true})
	var e *contract.Error
	if !errors.As(err, &e) || appbur.HintOf(err) == "" {
		t.Errorf("got %v, want a contract error with a hint", err)
	}
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
