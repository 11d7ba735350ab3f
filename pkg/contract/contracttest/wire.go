package contracttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// messages reads a whole export as it comes, without any check.
func (s *session) messages(ctx context.Context) ([]*contractpb.ExportResponse, error) {
	stream, err := s.wire.Export(ctx, &contractpb.ExportRequest{OperationId: s.operation()})
	if err != nil {
		return nil, err
	}
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
	r := &rawImport{open: &contractpb.ImportOpen{OperationId: s.operation(), SourceAppId: s.info.App, SourceAppVersion: s.info.Version}}
	for _, d := range s.request(a).Datasets {
		r.open.Datasets = append(r.open.Datasets, &contractpb.ImportDataset{
			Name: d.Name, Schema: d.Schema, Rows: uint64(d.Rows), Bytes: uint64(d.Size), Sha256: d.Digest[:],
		})
		offset := 0
		for chunk := range slices.Chunk(a.payloads[d.Name], 64<<10) {
			r.chunks = append(r.chunks, &contractpb.Chunk{
				Dataset: d.Name, Offset: uint64(offset), Data: slices.Clone(chunk), Crc32C: checksum(chunk),
			})
			offset += len(chunk)
		}
	}
	r.commit = &contractpb.ImportCommit{ManifestSha256: manifest(s.info.App, r.open.GetDatasets())}
	return r
}

// send plays the import and returns the status that it ended with.
func (s *session) send(ctx context.Context, r *rawImport) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.wire.Import(ctx)
	if err != nil {
		return err
	}
	requests := []*contractpb.ImportRequest{{Message: &contractpb.ImportRequest_Open{Open: r.open}}}
	for _, c := range r.chunks {
		requests = append(requests, &contractpb.ImportRequest{Message: &contractpb.ImportRequest_Chunk{Chunk: c}})
	}
	if r.commit != nil {
		requests = append(requests, &contractpb.ImportRequest{Message: &contractpb.ImportRequest_Commit{Commit: r.commit}})
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
	answered := false
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if !answered {
				return contract.ErrIncomplete
			}
			return nil
		}
		if err != nil {
			return err
		}
		answered = m.GetResult() != nil
	}
}
