package contract

import (
	"bytes"
	"fmt"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// transmit is the way of a message over the wire.
func transmit(from, to any) error {
	codec := newChunkCodec()
	data, err := codec.Marshal(from)
	if err != nil {
		return err
	}
	defer data.Free()
	return codec.Unmarshal(data, to)
}

// pooled puts bytes into a buffer as senders have them.
func pooled(data []byte) mem.Buffer {
	b := chunkBuffers.Get(len(data))
	copy(*b, data)
	return mem.NewBuffer(b, &chunkBuffers)
}

// TestChunksOnTheWire compares what chunkCodec writes and reads with protobuf.
func TestChunksOnTheWire(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for _, dataset := range []string{"", "notes", "ünïcode"} {
		for _, offset := range []int64{0, 1, 1 << 40} {
			for _, size := range []int{1, 127, 128, 20_000, chunkSize, maxChunkSize} {
				t.Run(fmt.Sprintf("%s at %d of %d", dataset, offset, size), func(t *testing.T) {
					data := pooled(bytes.Repeat([]byte{0x5a, 0, 0xff}, size/3+1)[:size])
					defer data.Free()
					for _, m := range []*chunkMessage{exportChunk(dataset, offset, data), importChunk(dataset, offset, data)} {
						written, err := newChunkCodec().Marshal(m)
						if err != nil {
							t.Fatal(err)
						}
						want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
						if err != nil {
							t.Fatal(err)
						}
						if !bytes.Equal(written.Materialize(), want) {
							t.Errorf("%T is written as %.40x, protobuf writes %.40x", m.Message, written.Materialize(), want)
						}
						agree(t, frames(want, 1), new(contractpb.ExportResponse), new(contractpb.ExportResponse))
						agree(t, frames(want, 16<<10), new(contractpb.ImportRequest), new(contractpb.ImportRequest))
						written.Free()
					}
				})
			}
		}
	}
}

// frames is what a message looks like that came in frames.
func frames(data []byte, size int) mem.BufferSlice {
	var s mem.BufferSlice
	for len(data) > 0 {
		n := min(size, len(data))
		s = append(s, mem.SliceBuffer(data[:n]))
		data = data[n:]
	}
	return s
}

// agree reads a message by chunkCodec and by protobuf.
func agree(t *testing.T, data mem.BufferSlice, got, want proto.Message) {
	t.Helper()
	err := newChunkCodec().Unmarshal(data, got)
	wantErr := proto.Unmarshal(data.Materialize(), want)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%T: %v, protobuf says %v", got, err, wantErr)
	}
	if err == nil && !proto.Equal(got, want) {
		t.Fatalf("%T is read as %.100v, protobuf reads %.100v", got, got, want)
	}
}

// FuzzChunkCodec reads arbitrary messages, in frames of arbitrary length, as protobuf
// does.
func FuzzChunkCodec(f *testing.F) {
	whole := func(c *contractpb.Chunk) []byte {
		data, err := proto.Marshal(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{Chunk: c}})
		if err != nil {
			f.Fatal(err)
		}
		return data
	}

	chunk := whole(&contractpb.Chunk{Dataset: "notes", Offset: 300, Data: []byte("rows"), Crc32C: 7})
	f.Add(chunk, byte(3))
	f.Add(whole(&contractpb.Chunk{Data: []byte{0}}), byte(0))
	f.Add(whole(&contractpb.Chunk{}), byte(1))
	f.Add(append(bytes.Clone(chunk), chunk...), byte(9))                               // two chunks make one
	f.Add(append([]byte{0x12, byte(len(chunk))}, chunk...), byte(9))                   // unknown fields
	f.Add([]byte{0x12, 8, 0x1a, 2, 'a', 'b', 0x0a, 2, 'n', 'o'}, byte(4))              // another order
	f.Add([]byte{0x12, 8, 0x0a, 2, 0xff, 0xfe, 0x1a, 2, 'a', 'b'}, byte(4))            // no UTF-8
	f.Add([]byte{0x12, 9, 0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f, 'a', 'b', 'c'}, byte(4)) // a length that is none
	f.Fuzz(func(t *testing.T, data []byte, size byte) {
		cut := func() mem.BufferSlice { return frames(data, int(size)+1) }
		agree(t, cut(), new(contractpb.ExportResponse), new(contractpb.ExportResponse))
		agree(t, cut(), new(contractpb.ImportRequest), new(contractpb.ImportRequest))
	})
}

// TestRecycledBuffersAreNotShared sends chunks one after the other, each of which gets
// the buffer of the one before.
func TestRecycledBuffersAreNotShared(t *testing.T) {
	for i := range 100 {
		data := pooled(bytes.Repeat([]byte{byte(i)}, 1000+i))
		got := new(contractpb.ImportRequest)
		if err := transmit(importChunk("notes", int64(i), data), got); err != nil {
			t.Fatal(err)
		}
		data.Free()
		if c := got.GetChunk(); len(c.GetData()) != 1000+i || checksum(c.GetData()) != c.GetCrc32C() {
			t.Fatalf("chunk %d arrived as %.60v", i, c)
		}
		recycle(got.GetChunk())
	}
}
