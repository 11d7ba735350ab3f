package protorows

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Codec turns messages of one type into rows and back. The zero value is of no use.
type Codec[M proto.Message] struct {
	kind   protoreflect.MessageType
	fields []string
}

// New looks at the type of a message; what the message holds does not matter.
func New[M proto.Message](example M) Codec[M] {
	kind := example.ProtoReflect().Type()
	c := Codec[M]{kind: kind}
	for i := range kind.Descriptor().Fields().Len() {
		c.fields = append(c.fields, kind.Descriptor().Fields().Get(i).JSONName())
	}
	return c
}

// Fields are the names of the top-level fields of a row, for contract.Dataset.
func (c Codec[M]) Fields() []string { return slices.Clone(c.fields) }

// Sensitive reports whether a field of the message, or of one within it, is marked
// as sensitive.
func (c Codec[M]) Sensitive() bool {
	return holdsSensitive(c.kind.Descriptor(), map[protoreflect.FullName]bool{})
}

func holdsSensitive(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[m.FullName()] {
		return false
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		if sensitive, _ := proto.GetExtension(field.Options(), contractpb.E_Sensitive).(bool); sensitive {
			return true
		}
		if inner := field.Message(); inner != nil && holdsSensitive(inner, seen) {
			return true
		}
	}
	return false
}

// Row writes one message.
func (c Codec[M]) Row(message M) (contract.Row, error) {
	if holdsUnknown(message.ProtoReflect()) {
		return nil, fmt.Errorf("a %s holds fields of a later release, which would be lost", c.kind.Descriptor().FullName())
	}
	row, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("a %s cannot be written as JSON", c.kind.Descriptor().FullName())
	}
	return row, nil
}

func holdsUnknown(m protoreflect.Message) (found bool) {
	if len(m.GetUnknown()) > 0 {
		return true
	}

	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					found = holdsUnknown(v.Message())
					return !found
				})
			}
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				found = found || holdsUnknown(value.List().Get(i).Message())
			}
		default:
			found = holdsUnknown(value.Message())
		}
		return !found
	})

	return found
}

// Value reads one message.
func (c Codec[M]) Value(row contract.Row) (M, error) {
	var none M
	var names map[string]json.RawMessage
	if err := json.Unmarshal(row, &names); err != nil {
		return none, errors.New("it is not a JSON object")
	}

	for name := range names {
		// Names as in the .proto file mean the same to protobuf; the next export
		// would differ.
		if !slices.Contains(c.fields, name) {
			return none, fmt.Errorf("it has the field %q, which is not known", name)
		}
	}

	message, ok := c.kind.New().Interface().(M)
	if !ok {
		return none, fmt.Errorf("a %s is made as another type", c.kind.Descriptor().FullName())
	}
	if err := protojson.Unmarshal(row, message); err != nil {
		// What protobuf says quotes the value.
		return none, fmt.Errorf("it is not a %s", c.kind.Descriptor().FullName())
	}
	return message, nil
}

// Rows writes messages one by one. It ends after the first error.
func (c Codec[M]) Rows(messages iter.Seq2[M, error]) iter.Seq2[contract.Row, error] {
	return contract.EncodeRows(messages, c.Row)
}

// Values reads rows one by one. A row that does not fit is an error of the payload
// that says which row it is. It ends after the first error.
func (c Codec[M]) Values(dataset string, rows iter.Seq2[contract.Row, error]) iter.Seq2[M, error] {
	return contract.DecodeRows(dataset, rows, c.Value)
}
