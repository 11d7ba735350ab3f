package restore

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"
)

// Content is an object in little memory: encoded and compressed, and decoded each time that it
// is read. Maps take five times the memory of their text, and the text three times that of this.
// The zero value is no object.
type Content struct{ packed string }

// ContentOf encodes an object. The values are those of JSON, with whole numbers as int64.
func ContentOf(object map[string]any) Content {
	if object == nil {
		return Content{}
	}
	b := newCodecBuffer()
	defer b.free()
	if err := contentEncoding().MarshalToBuffer(object, &b.plain); err != nil {
		panic(fmt.Sprintf("encoding an object: %v", err)) // of values that no decoder makes
	}
	b.packed = compressor().EncodeAll(b.plain.Bytes(), b.packed)
	return Content{string(b.packed)}
}

// or returns the content of an object after a change. Without one it is the same content: to
// compare takes a fraction of the time of encoding.
func (c Content) or(before, after map[string]any) Content {
	if reflect.DeepEqual(before, after) {
		return c
	}
	return ContentOf(after)
}

// IsZero reports whether there is no object.
func (c Content) IsZero() bool { return c.packed == "" }

// Object decodes the object, nil if there is none. It belongs to the caller.
func (c Content) Object() map[string]any {
	if c.IsZero() {
		return nil
	}
	b := newCodecBuffer()
	defer b.free()
	b.packed = append(b.packed, c.packed...)
	encoded, err := decompressor().DecodeAll(b.packed, b.plain.AvailableBuffer())
	b.plain.Write(encoded) // what had to grow is kept
	var object map[string]any
	if err == nil {
		err = contentDecoding().Unmarshal(encoded, &object)
	}
	if err != nil {
		panic(fmt.Sprintf("decoding an object: %v", err)) // of what only ContentOf makes
	}
	return object
}

// codecBuffer is what encoding and decoding one object takes besides the object. It is used again:
// each object is decoded a few times in a restore.
type codecBuffer struct {
	packed []byte
	plain  bytes.Buffer
}

var codecBuffers sync.Pool

func newCodecBuffer() *codecBuffer {
	if b, ok := codecBuffers.Get().(*codecBuffer); ok {
		return b
	}
	return new(codecBuffer)
}

// mostBuffered is how large a buffer is kept. Few objects are larger.
const mostBuffered = 256 << 10

func (b *codecBuffer) free() {
	if cap(b.packed)+b.plain.Cap() > mostBuffered {
		return
	}
	b.packed = b.packed[:0]
	b.plain.Reset()
	codecBuffers.Put(b)
}

// CBOR (RFC 8949) tells integers from floats, and takes texts that are not UTF-8, as YAML does
// with escapes; JSON does neither. Nothing limits an object but its file.
var (
	contentEncoding = once(cbor.EncOptions{Sort: cbor.SortBytewiseLexical}.UserBufferEncMode)
	contentDecoding = once(cbor.DecOptions{
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		IntDec:           cbor.IntDecConvertSignedOrFail,
		UTF8:             cbor.UTF8DecodeInvalid,
		MaxNestedLevels:  math.MaxUint16,
		MaxArrayElements: math.MaxInt32,
		MaxMapPairs:      math.MaxInt32,
	}.DecMode)
)

// The fastest level is as good as any on objects of a few kilobytes, of which there is one at a time.
var (
	compressor = once(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstdWindow),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	})
	decompressor = once(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true))
	})
)

const zstdWindow = 128 << 10

// once makes a codec when it is first used. Their options are constants, so they cannot fail.
func once[T any](codec func() (T, error)) func() T {
	return sync.OnceValue(func() T {
		c, err := codec()
		if err != nil {
			panic(err)
		}
		return c
	})
}
