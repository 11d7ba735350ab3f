package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// ErrNotEncodable is wrapped by the errors of [Encode].
var ErrNotEncodable = errors.New("not encodable as a manifest")

// Encode writes an object as canonical YAML: one document, keys sorted by bytes,
// two spaces per level, text of several lines as a literal block, every text quoted
// that any YAML 1.1 or 1.2 reader could take for something else. Values are those
// of JSON: map[string]any, []any, string, bool, int64 (or int), float64 and nil.
//
// Equal objects have equal bytes and different ones have different bytes; numbers
// are compared as JSON compares them, so 1.0 is written as 1.
func Encode(obj map[string]any) ([]byte, error) {
	if obj == nil {
		return nil, fmt.Errorf("%w: there is no object", ErrNotEncodable)
	}
	if len(obj) == 0 {
		return []byte("{}\n"), nil
	}
	w := writers.Get().(*writer) //nolint:forcetypeassert // the pool makes nothing else
	defer w.release()
	if err := w.fields(obj, 0, false); err != nil {
		return nil, err
	}
	return bytes.Clone(w.out), nil
}

// writers keeps the buffers of writers for the next object, so that encoding one
// allocates little more than its bytes.
var writers = sync.Pool{New: func() any { return new(writer) }}

// keptBuffer is the size up to which a buffer is kept; a few huge objects must not
// hold memory for ever.
const keptBuffer = 1 << 20

func (w *writer) release() {
	if cap(w.out) > keptBuffer {
		return
	}
	clear(w.keys[:cap(w.keys)])
	w.out, w.keys, w.depth = w.out[:0], w.keys[:0], 0
	writers.Put(w)
}

// maxDepth bounds nesting, far above what API servers accept in a request.
const maxDepth = 1000

var errTooDeep = fmt.Errorf("%w: it is nested more than %d levels deep", ErrNotEncodable, maxDepth)

// longKey is the size from which on a key is written as "? key", because YAML
// readers need not look further than 1,024 characters for the colon.
const longKey = 1000

// writer appends canonical YAML to out.
type writer struct {
	out   []byte
	depth int
	// keys holds the sorted keys of the maps that are being written, those of the
	// innermost map last.
	keys []string
}

// fields writes a map that is not empty. inline is true when the first key goes on
// the line that is already begun, after "- ".
func (w *writer) fields(m map[string]any, indent int, inline bool) error {
	if err := w.enter(); err != nil {
		return err
	}
	defer w.exit()
	first := len(w.keys)
	defer func() { w.keys = w.keys[:first] }()
	for key := range m {
		w.keys = append(w.keys, key)
	}
	slices.Sort(w.keys[first:])

	for i := range len(m) {
		key := w.keys[first+i]
		if !inline {
			w.spaces(indent)
		}
		inline = false
		start := len(w.out)
		if err := w.key(key); err != nil {
			return err
		}
		long := len(w.out)-start > longKey
		if long {
			w.out = slices.Insert(w.out, start, '?', ' ')
			w.out = append(w.out, '\n')
			w.spaces(indent)
		}
		w.out = append(w.out, ':')
		if err := w.fieldValue(m[key], indent, long); err != nil {
			return fmt.Errorf("%s: %w", clip(key), err)
		}
	}

	return nil
}

// fieldValue writes the value of a field, with what comes between it and the colon.
func (w *writer) fieldValue(value any, indent int, long bool) error {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 {
			w.out = append(w.out, '\n')
			return w.fields(v, indent+2, false)
		}
	case []any:
		if len(v) > 0 {
			w.out = append(w.out, '\n')
			if long {
				indent += 2
			}
			return w.elements(v, indent, false)
		}
	}
	w.out = append(w.out, ' ')
	return w.scalar(value, indent+2)
}

// elements writes a list that is not empty. The dashes of a list inside a map stand
// below the key, as in the output of kubectl.
func (w *writer) elements(list []any, indent int, inline bool) error {
	if err := w.enter(); err != nil {
		return err
	}
	defer w.exit()

	for i, element := range list {
		if !inline {
			w.spaces(indent)
		}
		inline = false
		w.out = append(w.out, '-', ' ')
		var err error
		switch v := element.(type) {
		case map[string]any:
			if len(v) > 0 {
				err = w.fields(v, indent+2, true)
				break
			}
			err = w.scalar(v, indent+2)
		case []any:
			if len(v) > 0 {
				err = w.elements(v, indent+2, true)
				break
			}
			err = w.scalar(v, indent+2)
		default:
			err = w.scalar(v, indent+2)
		}
		if err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}

	return nil
}

// scalar writes a value without children, and the end of its line.
func (w *writer) scalar(value any, indent int) error {
	switch v := value.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case int64:
		w.out = strconv.AppendInt(w.out, v, 10)
	case int:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case float64:
		if err := w.float(v); err != nil {
			return err
		}
	case string:
		if !utf8.ValidString(v) {
			return fmt.Errorf("%w: text is not UTF-8", ErrNotEncodable)
		}
		if blockFits(v) {
			w.block(v, indent)
			return nil
		}
		w.text(v)
	case map[string]any:
		w.out = append(w.out, "{}"...)
	case []any:
		w.out = append(w.out, "[]"...)
	default:
		return fmt.Errorf("%w: a value has type %T", ErrNotEncodable, value)
	}

	w.out = append(w.out, '\n')
	return nil
}

func (w *writer) key(key string) error {
	if !utf8.ValidString(key) {
		return fmt.Errorf("%w: a key is not UTF-8", ErrNotEncodable)
	}
	w.text(key)
	return nil
}

// beyondInt64 is the least float64 that is no int64.
const beyondInt64 = 1 << 63

// float writes an integer with the digits that encoding/json writes, because
// JSON has no other form for it and readers make an integer of it; and any other
// with a dot and a signed exponent, as YAML 1.1 wants it.
func (w *writer) float(f float64) error {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return fmt.Errorf("%w: %v is no JSON number", ErrNotEncodable, f)
	case f == 0:
		w.out = append(w.out, '0')
		return nil
	case f == math.Trunc(f) && math.Abs(f) < beyondInt64:
		w.out = strconv.AppendFloat(w.out, f, 'f', -1, 64)
		return nil
	}

	text := strconv.FormatFloat(f, 'g', -1, 64)
	mantissa, exponent, scientific := strings.Cut(text, "e")
	w.out = append(w.out, mantissa...)
	if !strings.Contains(mantissa, ".") {
		w.out = append(w.out, '.', '0')
	}
	if scientific {
		w.out = append(w.out, 'e')
		w.out = append(w.out, exponent...)
	}
	return nil
}

// block writes text of several lines as a literal block.
func (w *writer) block(text string, indent int) {
	body := strings.TrimRight(text, "\n")
	w.out = append(w.out, '|')
	switch len(text) - len(body) {
	case 0:
		w.out = append(w.out, '-')
	case 1:
	default:
		w.out = append(w.out, '+')
	}
	w.out = append(w.out, '\n')
	w.out = slices.Grow(w.out, len(text)+8*indent)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			w.spaces(indent)
			w.out = append(w.out, line...)
		}
		w.out = append(w.out, '\n')
	}
}

func (w *writer) spaces(n int) {
	for range n {
		w.out = append(w.out, ' ')
	}
}

func (w *writer) enter() error {
	if w.depth++; w.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

func (w *writer) exit() { w.depth-- }

// clip keeps error messages readable when a key is long.
func clip(key string) string {
	const most = 80
	if len(key) <= most {
		return key
	}
	return strings.ToValidUTF8(key[:most], "") + "…"
}
