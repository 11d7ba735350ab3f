package contract

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// memorySink keeps what it is given.
type memorySink map[string]*sinkBuffer

type sinkBuffer struct {
	bytes.Buffer
	closed int
}

func (b *sinkBuffer) Close() error { b.closed++; return nil }

func (s memorySink) Dataset(h DatasetHeader) (io.WriteCloser, error) {
	s[h.Name] = &sinkBuffer{}
	return s[h.Name], nil
}

// wholeExport is a valid export of two datasets, the first one in two chunks that
// cut a row.
func wholeExport() []*contractpb.ExportResponse {
	first, second := "{\"k\":1}\n{\"k\":2}\n", "{\"k\":\"x\"}\n"
	header := &contractpb.ExportHeader{
		OperationId: "op", SnapshotId: "s", AppId: "app", AppVersion: "1", SnapshotTime: timestamppb.New(time.Unix(1, 0)),
		Datasets: []*contractpb.ExportedDataset{
			{Name: "a", Schema: "1.0", MediaType: MediaType, Key: []string{"k"}},
			{Name: "b", Schema: "1.0", MediaType: MediaType, Key: []string{"k"}},
			{Name: "c", Schema: "1.0", MediaType: MediaType, Key: []string{"k"}},
		},
	}

	digests := manifestDigest("app", []totals{
		{"a", "1.0", 2, int64(len(first)), appbur.DigestOf([]byte(first))},
		{"b", "1.0", 1, int64(len(second)), appbur.DigestOf([]byte(second))},
		{"c", "1.0", 0, 0, appbur.DigestOf(nil)},
	})
	return []*contractpb.ExportResponse{
		{Message: &contractpb.ExportResponse_Header{Header: header}},
		exportedChunk("a", 0, first[:10]),
		{Message: &contractpb.ExportResponse_Progress{Progress: &contractpb.Progress{}}},
		exportedChunk("a", 10, first[10:]),
		exportedTrailer("a", 2, first),
		exportedChunk("b", 0, second),
		exportedTrailer("b", 1, second),
		exportedTrailer("c", 0, ""),
		{Message: &contractpb.ExportResponse_Trailer{Trailer: &contractpb.ExportTrailer{ManifestSha256: digests[:]}}},
	}
}

func exportedChunk(dataset string, offset uint64, data string) *contractpb.ExportResponse {
	return &contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{Chunk: &contractpb.Chunk{
		Dataset: dataset, Offset: offset, Data: []byte(data), Crc32C: checksum([]byte(data)),
	}}}
}

func exportedTrailer(dataset string, rows uint64, payload string) *contractpb.ExportResponse {
	digest := sha256.Sum256([]byte(payload))
	return &contractpb.ExportResponse{Message: &contractpb.ExportResponse_DatasetTrailer{DatasetTrailer: &contractpb.DatasetTrailer{
		Dataset: dataset, Rows: rows, Bytes: uint64(len(payload)), Sha256: digest[:],
	}}}
}

func newTestReceiver(sink Sink) *receiver {
	return &receiver{request: &contractpb.ExportRequest{OperationId: "op"}, sink: sink}
}

func TestReceiverTakesAWholeExport(t *testing.T) {
	sink := memorySink{}
	r := newTestReceiver(sink)
	for i, m := range wholeExport() {
		if err := r.take(m); err != nil {
			t.Fatalf("message %d: %v", i+1, err)
		}
	}
	if !r.finished || len(r.result.Datasets) != 3 || r.result.Datasets[0].Rows != 2 {
		t.Errorf("finished %t, result %+v", r.finished, r.result)
	}
	if got := sink["a"].String(); got != "{\"k\":1}\n{\"k\":2}\n" {
		t.Errorf("dataset a is %q", got)
	}
	for name, b := range sink {
		if b.closed != 1 {
			t.Errorf("dataset %s was closed %d times", name, b.closed)
		}
	}
}

func TestReceiverNoticesEveryChange(t *testing.T) {
	// Leaving out, repeating or swapping any message that is not progress must be
	// noticed, and so must any of these changes to a field.
	whole := wholeExport()
	tests := map[string][]*contractpb.ExportResponse{}

	for i := range whole {
		if whole[i].GetProgress() != nil {
			continue
		}
		name := string(whole[i].ProtoReflect().WhichOneof(whole[i].ProtoReflect().Descriptor().Oneofs().Get(0)).Name())
		tests[fmt.Sprintf("left out: %d, %s", i, name)] = slices.Concat(whole[:i], whole[i+1:])
		tests[fmt.Sprintf("repeated: %d, %s", i, name)] = slices.Concat(whole[:i+1], whole[i:])
		if i > 0 {
			swapped := slices.Clone(whole)
			swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
			if whole[i-1].GetProgress() == nil {
				tests[fmt.Sprintf("swapped: %d, %s", i, name)] = swapped
			}
		}
	}

	bent := func(i int, bend func(*contractpb.ExportResponse)) []*contractpb.ExportResponse {
		messages := wholeExport()
		bend(messages[i])
		return messages
	}
	tests["another operation"] = bent(0, func(m *contractpb.ExportResponse) { m.GetHeader().OperationId = "other" })
	tests["no snapshot"] = bent(0, func(m *contractpb.ExportResponse) { m.GetHeader().SnapshotId = "" })

	tests["a media type of the future"] = bent(0, func(m *contractpb.ExportResponse) { m.GetHeader().Datasets[0].MediaType = "text/csv" })
	tests["a flipped bit"] = bent(1, func(m *contractpb.ExportResponse) { m.GetChunk().Data[6] ^= 1 })
	tests["a wrong offset"] = bent(3, func(m *contractpb.ExportResponse) { m.GetChunk().Offset++ })
	tests["a wrong row count"] = bent(4, func(m *contractpb.ExportResponse) { m.GetDatasetTrailer().Rows++ })
	tests["a wrong byte count"] = bent(4, func(m *contractpb.ExportResponse) { m.GetDatasetTrailer().Bytes++ })
	tests["a wrong digest"] = bent(4, func(m *contractpb.ExportResponse) { m.GetDatasetTrailer().Sha256[3] ^= 1 })
	tests["a short digest"] = bent(4, func(m *contractpb.ExportResponse) { m.GetDatasetTrailer().Sha256 = []byte{1} })
	tests["a wrong manifest"] = bent(8, func(m *contractpb.ExportResponse) { m.GetTrailer().ManifestSha256[0] ^= 1 })
	tests["an empty message"] = bent(2, func(m *contractpb.ExportResponse) { m.Message = nil })

	for name, rows := range map[string]string{
		"rows that are not JSON":      "garbage\n",
		"rows out of canonical form":  "{ \"k\":1}\n",
		"rows out of order":           "{\"k\":2}\n{\"k\":1}\n",
		"a row without its line feed": "{\"k\":1}",
	} {
		tests[name] = []*contractpb.ExportResponse{
			whole[0], exportedChunk("a", 0, rows),
			exportedTrailer("a", uint64(bytes.Count([]byte(rows), lineFeed)), rows),
		}
	}

	for name, messages := range tests {
		t.Run(name, func(t *testing.T) {
			sink := memorySink{}
			r := newTestReceiver(sink)
			accepted := true
			for _, m := range messages {
				if r.take(m) != nil {
					accepted = false
					break
				}
			}
			if accepted && r.finished {
				t.Error("the export was taken for complete")
			}
			if err := r.abandon(); err != nil {
				t.Error(err)
			}
			for name, b := range sink {
				if b.closed != 1 {
					t.Errorf("dataset %s was closed %d times", name, b.closed)
				}
			}
		})
	}
}

// FuzzReceiver plays any sequence of messages: the first bytes choose and bend
// messages of a complete export, the rest is decoded as protobuf. Whatever comes, an
// export counts as complete only when its payloads are the ones that it announced.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, []byte(nil))
	f.Add([]byte{0, 1, 3, 4}, []byte(nil))
	f.Add([]byte{0, 7, 8}, []byte("\x12\x00"))

	for _, m := range wholeExport() {
		wire, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte{0}, wire)
	}

	f.Fuzz(func(t *testing.T, order, wire []byte) {
		whole := wholeExport()
		var messages []*contractpb.ExportResponse
		for _, i := range order {
			messages = append(messages, whole[int(i)%len(whole)])
		}
		var decoded contractpb.ExportResponse
		if proto.Unmarshal(wire, &decoded) == nil {
			messages = append(messages, &decoded)
		}
		sink := memorySink{}
		r := newTestReceiver(sink)
		for _, m := range messages {
			if r.take(m) != nil {
				break
			}
		}
		if !r.finished {
			if err := r.abandon(); err != nil {
				t.Fatal(err)
			}
			return
		}
		for _, d := range r.result.Datasets {
			payload := sink[d.Name].Bytes()
			if appbur.DigestOf(payload) != d.Digest || int64(len(payload)) != d.Size || int64(bytes.Count(payload, lineFeed)) != d.Rows {
				t.Fatalf("dataset %s was taken for complete and is not", d.Name)
			}
		}
	})
}
