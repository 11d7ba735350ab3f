package contract

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"

	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// chunkCodec is the protobuf codec of gRPC, except that it does not copy the bytes of
// a chunk on their way out, and copies them once, into a buffer that is used again, on
// their way in. On the wire there is no difference, and neither side needs the other
// to have it.
type chunkCodec struct{ encoding.CodecV2 }

func newChunkCodec() chunkCodec { return chunkCodec{encoding.GetCodecV2(protocodec.Name)} }

// chunkMessage is a message that holds nothing but a chunk. Other codecs see the
// message alone.
type chunkMessage struct {
	proto.Message
	chunk *contractpb.Chunk
	// buffer holds the data of the chunk. The sender frees its own reference when
	// the message is sent; the codec has another one until it is written.
	buffer mem.Buffer
}

func exportChunk(dataset string, offset int64, data mem.Buffer) *chunkMessage {
	c := newChunk(dataset, offset, data)
	return &chunkMessage{&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{Chunk: c}}, c, data}
}

func importChunk(dataset string, offset int64, data mem.Buffer) *chunkMessage {
	c := newChunk(dataset, offset, data)
	return &chunkMessage{&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Chunk{Chunk: c}}, c, data}
}

func newChunk(dataset string, offset int64, data mem.Buffer) *contractpb.Chunk {
	bytes := data.ReadOnlyData()
	return &contractpb.Chunk{Dataset: dataset, Offset: uint64(offset), Data: bytes, Crc32C: checksum(bytes)}
}

// The fields of contract.proto that a chunk is written with. ExportResponse and
// ImportRequest have it under the same number.
const (
	fieldChunk   protowire.Number = 2
	fieldDataset protowire.Number = 1
	fieldOffset  protowire.Number = 2
	fieldData    protowire.Number = 3
	fieldCRC     protowire.Number = 4
)

// Marshal implements [encoding.CodecV2].
func (c chunkCodec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*chunkMessage)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	var before, after []byte
	if m.chunk.GetDataset() != "" {
		before = protowire.AppendTag(before, fieldDataset, protowire.BytesType)
		before = protowire.AppendString(before, m.chunk.GetDataset())
	}

	if m.chunk.GetOffset() != 0 {
		before = protowire.AppendTag(before, fieldOffset, protowire.VarintType)
		before = protowire.AppendVarint(before, m.chunk.GetOffset())
	}
	before = protowire.AppendTag(before, fieldData, protowire.BytesType)
	before = protowire.AppendVarint(before, uint64(m.buffer.Len()))
	if m.chunk.GetCrc32C() != 0 {
		after = protowire.AppendTag(after, fieldCRC, protowire.Fixed32Type)
		after = protowire.AppendFixed32(after, m.chunk.GetCrc32C())
	}
	head := protowire.AppendTag(make([]byte, 0, len(before)+8), fieldChunk, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(before)+m.buffer.Len()+len(after)))
	m.buffer.Ref()
	return mem.BufferSlice{mem.SliceBuffer(append(head, before...)), m.buffer, mem.SliceBuffer(after)}, nil
}

// Unmarshal implements [encoding.CodecV2].
func (c chunkCodec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *contractpb.ExportResponse:
		if chunk := readChunk(data); chunk != nil {
			m.Reset()
			m.Message = &contractpb.ExportResponse_Chunk{Chunk: chunk}
			return nil
		}
	case *contractpb.ImportRequest:
		if chunk := readChunk(data); chunk != nil {
			m.Reset()
			m.Message = &contractpb.ImportRequest_Chunk{Chunk: chunk}
			return nil
		}
	}
	return c.CodecV2.Unmarshal(data, v)
}

// readChunk reads a message that holds nothing but a chunk, written in the usual order
// of fields. It returns nil for all others: what they mean, the other codec knows.
func readChunk(data mem.BufferSlice) *contractpb.Chunk {
	r := data.Reader()
	defer func() { _ = r.Close() }() // it never fails
	c, err := chunkReader{r}.chunk()
	if err != nil {
		if c != nil {
			recycle(c)
		}
		return nil
	}
	return c
}

// chunkReader reads the fields of one chunk.
type chunkReader struct{ *mem.Reader }

// errUnusual says that a message is not what chunkCodec reads by itself.
var errUnusual = errors.New("not a chunk in the usual form")

func (r chunkReader) chunk() (*contractpb.Chunk, error) {
	if err := r.expect(fieldChunk, protowire.BytesType); err != nil {
		return nil, err
	}
	if n, err := binary.ReadUvarint(r); err != nil || n != uint64(r.Remaining()) {
		return nil, errUnusual
	}
	c := &contractpb.Chunk{}

	for last := protowire.Number(0); r.Remaining() > 0; {
		tag, err := binary.ReadUvarint(r)
		if err != nil {
			return c, err
		}
		number, kind := protowire.DecodeTag(tag)
		if number <= last {
			return c, errUnusual
		}
		last = number
		switch {
		case number == fieldDataset && kind == protowire.BytesType:
			var name []byte
			if name, err = r.bytes(func(n int) []byte { return make([]byte, n) }); err == nil && !utf8.Valid(name) {
				err = errUnusual
			}
			c.Dataset = string(name)
		case number == fieldOffset && kind == protowire.VarintType:
			c.Offset, err = binary.ReadUvarint(r)
		case number == fieldData && kind == protowire.BytesType:
			c.Data, err = r.bytes(func(n int) []byte { return *chunkBuffers.Get(n) })
		case number == fieldCRC && kind == protowire.Fixed32Type:
			var sum [4]byte
			_, err = io.ReadFull(r, sum[:])
			c.Crc32C = binary.LittleEndian.Uint32(sum[:])
		default:
			err = errUnusual
		}
		if err != nil {
			return c, err
		}
	}

	return c, nil
}

func (r chunkReader) expect(number protowire.Number, kind protowire.Type) error {
	if tag, err := binary.ReadUvarint(r); err != nil || tag != protowire.EncodeTag(number, kind) {
		return errUnusual
	}
	return nil
}

// bytes reads a length and as many bytes into what room returns.
func (r chunkReader) bytes(room func(int) []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n > uint64(r.Remaining()) {
		return nil, errUnusual
	}
	b := room(int(n))
	_, err = io.ReadFull(r, b)
	return b, err
}
