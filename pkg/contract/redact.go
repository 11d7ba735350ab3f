package contract

import (
	"log/slog"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// redacted replaces text that was left out.
const redacted = "[redacted]"

// Redact returns a copy of a message that may be printed: what the fields hold that
// are marked with appbur.contract.v1.sensitive is left out, at any depth and in
// messages of anybody. So are unknown fields and google.protobuf.Any, which may
// hold anything. The message itself is not changed.
func Redact[M proto.Message](m M) M {
	from := m.ProtoReflect()
	if !from.IsValid() {
		return m
	}
	if copied, ok := redactMessage(from).Interface().(M); ok {
		return copied
	}
	var none M
	return none
}

// redactMessage copies field by field, so that large values are never copied only
// to be left out.
func redactMessage(from protoreflect.Message) protoreflect.Message {
	to := from.New()
	if from.Descriptor().FullName() == "google.protobuf.Any" {
		return to
	}

	from.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		sensitive, _ := proto.GetExtension(field.Options(), contractpb.E_Sensitive).(bool)
		switch {
		case sensitive:
			hide(to, field)
		case field.IsMap():
			redactMap(to.Mutable(field).Map(), field, value.Map())
		case field.IsList():
			list := to.Mutable(field).List()
			for i := range value.List().Len() {
				list.Append(redactValue(field, value.List().Get(i)))
			}
		default:
			to.Set(field, redactValue(field, value))
		}
		return true
	})

	return to
}

// hide says that there was text, where a field can say it.
func hide(to protoreflect.Message, field protoreflect.FieldDescriptor) {
	if field.Kind() == protoreflect.StringKind && !field.IsList() && !field.IsMap() {
		to.Set(field, protoreflect.ValueOfString(redacted))
	}
}

func redactMap(to protoreflect.Map, field protoreflect.FieldDescriptor, from protoreflect.Map) {
	from.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		to.Set(key, redactValue(field.MapValue(), value))
		return true
	})
}

func redactValue(field protoreflect.FieldDescriptor, value protoreflect.Value) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return protoreflect.ValueOfMessage(redactMessage(value.Message()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(append([]byte(nil), value.Bytes()...))
	default:
		return value
	}
}

// printable is a message in a log. It costs nothing where it is not logged.
type printable struct{ message proto.Message }

// LogValue implements [slog.LogValuer].
func (p printable) LogValue() slog.Value {
	text, err := protojson.Marshal(Redact(p.message))
	if err != nil {
		return slog.StringValue(redacted)
	}
	return slog.StringValue(string(text))
}
