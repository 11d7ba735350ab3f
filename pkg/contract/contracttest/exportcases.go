package contracttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

func exportEmpty(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	if _, err := before.last(); err != nil {
		return err
	}
	if _, err := s.apply(ctx, before.empty()); err != nil {
		return fmt.Errorf("importing an empty state: %w", err)
	}
	return s.holds(ctx, before.empty())
}

func exportFraming(ctx context.Context, s *session) error {
	all, err := s.messages(ctx, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].GetHeader() == nil {
		return errors.New("the first message is no header")
	}
	waiting := all[0].GetHeader().GetDatasets()
	offset := uint64(0)

	for i, m := range all[1:] {
		dataset := m.GetChunk().GetDataset() + m.GetDatasetTrailer().GetDataset()
		if dataset != "" && (len(waiting) == 0 || waiting[0].GetName() != dataset) {
			return fmt.Errorf("message %d belongs to dataset %s out of turn", i+2, dataset)
		}
		switch {
		case m.GetProgress() != nil:
		case m.GetChunk() != nil:
			if got := m.GetChunk().GetOffset(); got != offset {
				return fmt.Errorf("dataset %s: a chunk starts at %d, expected %d", dataset, got, offset)
			}
			if n := len(m.GetChunk().GetData()); n == 0 || n > s.info.Limits.MaxChunkBytes {
				return fmt.Errorf("dataset %s: a chunk has %d bytes, allowed are 1 to %d", dataset, n, s.info.Limits.MaxChunkBytes)
			}
			offset += uint64(len(m.GetChunk().GetData()))
		case m.GetDatasetTrailer() != nil:
			waiting, offset = waiting[1:], 0
		case m.GetTrailer() != nil:
			if len(waiting) > 0 {
				return fmt.Errorf("the trailer comes before that of dataset %s", waiting[0].GetName())
			}
			if i+2 != len(all) {
				return errors.New("a message follows the trailer")
			}
			return nil
		default:
			return fmt.Errorf("message %d is a second header or of no known kind", i+2)
		}
	}

	return errors.New("there is no trailer")
}

func exportDigests(ctx context.Context, s *session) error {
	all, err := s.messages(ctx, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	var payload []byte
	var announced []*contractpb.ImportDataset
	schemas := map[string]string{}

	for _, m := range all {
		switch message := m.GetMessage().(type) {
		case *contractpb.ExportResponse_Header:
			for _, d := range message.Header.GetDatasets() {
				schemas[d.GetName()] = d.GetSchema()
			}
		case *contractpb.ExportResponse_Chunk:
			c := message.Chunk
			if checksum(c.GetData()) != c.GetCrc32C() {
				return fmt.Errorf("dataset %s: the chunk at %d differs from its checksum", c.GetDataset(), c.GetOffset())
			}
			payload = append(payload, c.GetData()...)
		case *contractpb.ExportResponse_DatasetTrailer:
			t := message.DatasetTrailer
			digest := sha256.Sum256(payload)
			rows := uint64(bytes.Count(payload, []byte("\n")))
			if s.opaque(t.GetDataset()) {
				rows = 0
			}
			if t.GetBytes() != uint64(len(payload)) || t.GetRows() != rows || !bytes.Equal(t.GetSha256(), digest[:]) {
				return fmt.Errorf("dataset %s: the trailer says %d rows, %d bytes and %x; %d rows, %d bytes and %x came",
					t.GetDataset(), t.GetRows(), t.GetBytes(), t.GetSha256(), rows, len(payload), digest)
			}
			announced = append(announced, &contractpb.ImportDataset{
				Name: t.GetDataset(), Schema: schemas[t.GetDataset()], Rows: rows, Bytes: t.GetBytes(), Sha256: t.GetSha256(),
			})
			payload = nil
		case *contractpb.ExportResponse_Trailer:
			if !bytes.Equal(message.Trailer.GetManifestSha256(), manifest(s.info.App, announced)) {
				return errors.New("the trailer names another manifest than what came")
			}
		}
	}

	// Rows that the client would refuse are no rows, whatever their digest.
	_, err = s.export(ctx)
	return err
}

func exportDeterministic(ctx context.Context, s *session) error {
	first, err := s.export(ctx)
	if err != nil {
		return err
	}
	return s.holds(ctx, first)
}

func exportComplete(ctx context.Context, s *session) error {
	all, err := s.messages(ctx, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	if len(all) == 0 || all[len(all)-1].GetTrailer() == nil {
		return errors.New("the stream ended with OK and without a trailer")
	}
	if _, err := s.export(ctx); err != nil {
		return err
	}
	return s.cancelledExport(ctx)
}

// cancelledExport makes sure that a stream that was cut short does not look complete.
func (s *session) cancelledExport(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.stub.Export(ctx, &contractpb.ExportRequest{OperationId: s.operation(), MaxChunkBytes: 1})
	if err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	cancel()
	whole := false

	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && !whole:
			return errors.New("a cancelled stream ended with OK and without a trailer")
		case errors.Is(err, io.EOF):
			return nil
		case status.Code(err) == codes.Canceled:
			return nil
		case err != nil:
			return fmt.Errorf("a cancelled stream ended with %w", err)
		}
		whole = m.GetTrailer() != nil
	}
}
