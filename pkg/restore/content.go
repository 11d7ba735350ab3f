package restore

import (
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
	encoded, err := contentEncoding().Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("encoding an object: %v", err)) // of values that no decoder makes
	}
	return Content{string(compressor().EncodeAll(encoded, nil))}
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
	encoded, err := decompressor().DecodeAll([]byte(c.packed), nil)
	var object map[string]any
	if err == nil {
		err = contentDecoding().Unmarshal(encoded, &object)
	}
	if err != nil {
		panic(fmt.Sprintf("decoding an object: %v", err)) // of what only ContentOf makes
	}
	return object
}

// CBOR (RFC 8949) tells integers from floats, and takes texts that are not UTF-8, as YAML does
// with escapes; JSON does neither. Nothing limits an object but its file.
var (
	contentEncoding = once(cbor.EncOptions{Sort: cbor.SortBytewiseLexical}.EncMode)
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
