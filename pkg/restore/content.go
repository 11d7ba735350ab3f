package restore

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
)

// Content is an object in little memory: encoded, and decoded each time that it is read. As
// maps the objects of a restore point take five times the memory of their text. The zero value
// is no object.
type Content struct{ encoded string }

// ContentOf encodes an object. The values are those of JSON, with whole numbers as int64.
func ContentOf(object map[string]any) Content {
	if object == nil {
		return Content{}
	}
	encoded, err := contentEncoding.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("encoding an object: %v", err)) // of values that no decoder makes
	}
	return Content{string(encoded)}
}

// IsZero reports whether there is no object.
func (c Content) IsZero() bool { return c.encoded == "" }

// Object decodes the object, nil if there is none. It belongs to the caller.
func (c Content) Object() map[string]any {
	if c.IsZero() {
		return nil
	}
	var object map[string]any
	if err := contentDecoding.Unmarshal(unsafe.Slice(unsafe.StringData(c.encoded), len(c.encoded)), &object); err != nil {
		panic(fmt.Sprintf("decoding an object: %v", err)) // of what only ContentOf makes
	}
	return object
}

// CBOR (RFC 8949) tells integers from floats, and takes texts that are not UTF-8, as YAML does
// with escapes; JSON does neither. Nothing limits an object but its file.
var (
	contentEncoding = must(cbor.EncOptions{}.EncMode())
	contentDecoding = must(cbor.DecOptions{
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		IntDec:           cbor.IntDecConvertSignedOrFail,
		UTF8:             cbor.UTF8DecodeInvalid,
		MaxNestedLevels:  math.MaxUint16,
		MaxArrayElements: math.MaxInt32,
		MaxMapPairs:      math.MaxInt32,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}
