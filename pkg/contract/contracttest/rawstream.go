package contracttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

type (
	exportStream = grpc.ServerStreamingClient[contractpb.ExportResponse]
	importStream = grpc.BidiStreamingClient[contractpb.ImportRequest, contractpb.ImportResponse]
)

// messages reads a complete export as it comes, without any check.
func (s *session) messages(ctx context.Context, request *contractpb.ExportRequest) ([]*contractpb.ExportResponse, error) {
	if request.GetOperationId() == "" {
		request.OperationId = s.operation()
	}
	stream, err := s.stub.Export(ctx, request)
	if err != nil {
		return nil, err
	}
	return drain(stream)
}

// drain reads a stream to its end.
func drain(stream exportStream) ([]*contractpb.ExportResponse, error) {
	var all []*contractpb.ExportResponse
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

// joined is the state that the messages of one complete export show.
func (s *session) joined(all []*contractpb.ExportResponse) (state, error) {
	a := state{}
	for _, m := range all {
		for _, d := range m.GetHeader().GetDatasets() {
			a = a.add(d.GetName(), held{d.GetSchema(), nil, s.opaque(d.GetName())})
		}
		if c := m.GetChunk(); c != nil {
			if uint64(len(a.payload(c.GetDataset()))) != c.GetOffset() {
				return a, fmt.Errorf("dataset %s: a chunk starts at %d, expected %d", c.GetDataset(), c.GetOffset(), len(a.payload(c.GetDataset())))
			}
			a.datasets[c.GetDataset()] = held{
				a.datasets[c.GetDataset()].schema, append(a.payload(c.GetDataset()), c.GetData()...),
				s.opaque(c.GetDataset()),
			}
		}
	}

	if len(all) == 0 || all[len(all)-1].GetTrailer() == nil {
		return a, errors.New("the stream ended with OK and without a trailer")
	}
	return a, nil
}

// manifest computes the digest that a commit must name, from the text of SPEC.md
// and not from the code of the SDK: the kit is a second opinion.
func manifest(app string, datasets []*contractpb.ImportDataset) []byte {
	sorted := slices.SortedFunc(slices.Values(datasets), func(a, b *contractpb.ImportDataset) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	text := "appbur manifest v1\napp " + app + "\n"
	for _, d := range sorted {
		text += fmt.Sprintf("%s %s %d %d %x\n", d.GetName(), d.GetSchema(), d.GetRows(), d.GetBytes(), d.GetSha256())
	}
	digest := sha256.Sum256([]byte(text))
	return digest[:]
}

// rawImport is an import whose messages a case may bend before they are sent.
type rawImport struct {
	open   *contractpb.ImportOpen
	chunks []*contractpb.Chunk
	commit *contractpb.ImportCommit
}

func (s *session) raw(a state) *rawImport {
	return s.rawIn(a, min(64<<10, s.info.Limits.MaxChunkBytes))
}

// rawIn is raw with chunks of the given length.
func (s *session) rawIn(a state, length int) *rawImport {
	r := &rawImport{open: &contractpb.ImportOpen{OperationId: s.operation(), SourceAppId: s.info.App, SourceAppVersion: s.info.Version}}
	for _, d := range s.request(a).Datasets {
		r.open.Datasets = append(r.open.Datasets, &contractpb.ImportDataset{
			Name: d.Name, Schema: d.Schema, Rows: uint64(d.Rows), Bytes: uint64(d.Size), Sha256: d.Digest[:],
		})
		offset := 0
		for chunk := range slices.Chunk(a.payload(d.Name), length) {
			r.chunks = append(r.chunks, &contractpb.Chunk{
				Dataset: d.Name, Offset: uint64(offset), Data: slices.Clone(chunk), Crc32C: checksum(chunk),
			})
			offset += len(chunk)
		}
	}
	r.commit = &contractpb.ImportCommit{ManifestSha256: manifest(s.info.App, r.open.GetDatasets())}
	return r
}

func openMessage(o *contractpb.ImportOpen) *contractpb.ImportRequest {
	return &contractpb.ImportRequest{Message: &contractpb.ImportRequest_Open{Open: o}}
}

func chunkMessage(c *contractpb.Chunk) *contractpb.ImportRequest {
	return &contractpb.ImportRequest{Message: &contractpb.ImportRequest_Chunk{Chunk: c}}
}

func commitMessage(c *contractpb.ImportCommit) *contractpb.ImportRequest {
	return &contractpb.ImportRequest{Message: &contractpb.ImportRequest_Commit{Commit: c}}
}

func (r *rawImport) requests() []*contractpb.ImportRequest {
	requests := []*contractpb.ImportRequest{openMessage(r.open)}
	for _, c := range r.chunks {
		requests = append(requests, chunkMessage(c))
	}
	if r.commit != nil {
		requests = append(requests, commitMessage(r.commit))
	}
	return requests
}

// send plays the import and returns the status that it ended with.
func (s *session) send(ctx context.Context, r *rawImport) error {
	return play(ctx, s.stub, r.requests())
}

// play sends the messages and returns the status.
func play(ctx context.Context, stub contractpb.AppStateClient, requests []*contractpb.ImportRequest) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := stub.Import(ctx)
	if err != nil {
		return err
	}
	go func() {
		for _, request := range requests {
			if stream.Send(request) != nil {
				// The answer says why.
				return
			}
		}
		_ = stream.CloseSend()
	}()
	return outcome(stream)
}

// outcome reads the answers of an import to their end. OK without a result is an
// error.
func outcome(stream importStream) error {
	answered := false
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && answered:
			return nil
		case errors.Is(err, io.EOF):
			return contract.ErrIncomplete
		case err != nil:
			return err
		}
		answered = m.GetResult() != nil
	}
}

// begin opens an import and returns its first answer.
func (s *session) begin(ctx context.Context, open *contractpb.ImportOpen) (importStream, *contractpb.ImportResponse, error) {
	stream, err := s.stub.Import(ctx)
	if err != nil {
		return nil, nil, err
	}
	// When the application ended the call already, the answer says why.
	if err := stream.Send(openMessage(open)); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	first, err := stream.Recv()
	return stream, first, err
}
