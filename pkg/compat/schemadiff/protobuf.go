package schemadiff

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func parseProtobuf(data []byte, message string) (Schema, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil || len(set.GetFile()) == 0 {
		return Schema{}, fmt.Errorf("%w: neither JSON nor a FileDescriptorSet of protobuf", ErrSchema)
	}
	files, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(&set)
	if err != nil {
		return Schema{}, fmt.Errorf("%w: the descriptors do not fit together: %w", ErrSchema, err)
	}

	var s Schema
	for _, f := range set.GetFile() {
		if strings.HasPrefix(f.GetName(), "google/protobuf/") {
			continue
		}
		d, err := files.FindFileByPath(f.GetName())
		if err != nil {
			return Schema{}, fmt.Errorf("%w: %w", ErrSchema, err)
		}
		s.all = append(s.all, messagesOf(d.Messages())...)
	}
	if message == "" {
		return s, nil
	}
	for _, m := range s.all {
		if string(m.FullName()) == message {
			s.message = m
			return s, nil
		}
	}
	return Schema{}, fmt.Errorf("%w: the descriptors have no message %q", ErrSchema, message)
}

func messagesOf(list protoreflect.MessageDescriptors) (all []protoreflect.MessageDescriptor) {
	for i := range list.Len() {
		m := list.Get(i)
		if m.IsMapEntry() {
			continue
		}
		all = append(all, m)
		all = append(all, messagesOf(m.Messages())...)
	}
	return all
}

func compareProtobuf(older, newer Schema, f *found) {
	c := protoComparison{found: f, seen: map[[2]protoreflect.FullName]bool{}}
	if older.message != nil && newer.message != nil {
		c.messages(older.message, newer.message)
		return
	}
	if older.message != nil {
		older.all = []protoreflect.MessageDescriptor{older.message}
	}
	byName := map[protoreflect.FullName]protoreflect.MessageDescriptor{}
	for _, m := range newer.all {
		byName[m.FullName()] = m
	}
	for _, m := range older.all {
		other, ok := byName[m.FullName()]
		if !ok {
			f.add("MESSAGE_NO_DELETE", string(m.FullName()), "it is not there any more")
			continue
		}
		c.messages(m, other)
	}
}

type protoComparison struct {
	found *found
	seen  map[[2]protoreflect.FullName]bool
}

func (c protoComparison) messages(a, b protoreflect.MessageDescriptor) {
	pair := [2]protoreflect.FullName{a.FullName(), b.FullName()}
	if c.seen[pair] {
		return
	}
	c.seen[pair] = true

	for i := range a.Fields().Len() {
		field := a.Fields().Get(i)
		other := b.Fields().ByNumber(field.Number())
		path := string(field.FullName())
		if other == nil {
			what := "it is not there any more"
			if b.ReservedRanges().Has(field.Number()) {
				what = "it is reserved now, and not read"
			}
			c.found.add("FIELD_NO_DELETE", path, what)
			continue
		}
		c.fields(path, field, other)
	}

	for i := range b.Fields().Len() {
		field := b.Fields().Get(i)
		if a.Fields().ByNumber(field.Number()) != nil {
			continue
		}
		path := string(field.FullName())
		switch {
		case a.ReservedRanges().Has(field.Number()) || a.ReservedNames().Has(field.Name()):
			c.found.add("FIELD_RESERVED", path, fmt.Sprintf("it is new, and %s = %d was reserved", field.Name(), field.Number()))
		case field.Cardinality() == protoreflect.Required:
			c.found.add("MESSAGE_SAME_REQUIRED_FIELDS", path, "it is new, and required")
		default:
			c.found.add("FIELD_ADDED", path, "it is new")
		}
	}
}

func (c protoComparison) fields(path string, a, b protoreflect.FieldDescriptor) {
	if a.JSONName() != b.JSONName() {
		c.found.add("FIELD_SAME_JSON_NAME", path, fmt.Sprintf("rows call it %q now, and called it %q", b.JSONName(), a.JSONName()))
	}
	if shape(a) != shape(b) {
		c.found.add("FIELD_COMPATIBLE_CARDINALITY", path, fmt.Sprintf("it is %s now, and was %s", shape(b), shape(a)))
		return
	}
	if b.Cardinality() == protoreflect.Required && a.Cardinality() != protoreflect.Required {
		c.found.add("MESSAGE_SAME_REQUIRED_FIELDS", path, "it is required now")
	}
	if oneof(a) != oneof(b) {
		c.found.add("FIELD_SAME_ONEOF", path, fmt.Sprintf("it is in %s now, and was in %s", named(oneof(b)), named(oneof(a))))
	}
	before, after := fmt.Sprint(a.Default().Interface()), fmt.Sprint(b.Default().Interface())
	if before != after && a.Kind() == b.Kind() && a.Kind() != protoreflect.EnumKind {
		c.found.add("FIELD_SAME_DEFAULT", path, fmt.Sprintf("it is %s now, and was %s", after, before))
	}

	if a.IsMap() && b.IsMap() {
		c.types(path, a.MapKey(), b.MapKey())
		a, b = a.MapValue(), b.MapValue()
	}
	c.types(path, a, b)
}

func (c protoComparison) types(path string, a, b protoreflect.FieldDescriptor) {
	switch {
	case group(a.Kind()) != group(b.Kind()):
		c.found.add("FIELD_COMPATIBLE_TYPE", path, fmt.Sprintf("it is %s now, and was %s", b.Kind(), a.Kind()))
	case a.Enum() != nil && b.Enum() != nil:
		c.enums(a.Enum(), b.Enum())
	case a.Message() != nil && b.Message() != nil && (wellKnown(a.Message()) || wellKnown(b.Message())):
		if a.Message().FullName() != b.Message().FullName() {
			c.found.add("FIELD_COMPATIBLE_TYPE", path, fmt.Sprintf("it is %s now, and was %s", b.Message().FullName(), a.Message().FullName()))
		}
	case a.Message() != nil && b.Message() != nil:
		c.messages(a.Message(), b.Message())
	}
}

// group is the types that JSON writes and reads alike (buf's groups of WIRE_JSON).
func group(k protoreflect.Kind) string {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Sint32Kind:
		return "32 bit"
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind:
		return "64 bit"
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return "fixed 32 bit"
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return "fixed 64 bit"
	case protoreflect.GroupKind, protoreflect.MessageKind:
		return "message"
	}
	return k.String()
}

func (c protoComparison) enums(a, b protoreflect.EnumDescriptor) {
	pair := [2]protoreflect.FullName{a.FullName(), b.FullName()}
	if c.seen[pair] {
		return
	}
	c.seen[pair] = true

	for i := range a.Values().Len() {
		value := a.Values().Get(i)
		path := string(a.FullName()) + "." + string(value.Name())
		other := b.Values().ByName(value.Name())
		switch {
		case other == nil:
			c.found.add("ENUM_VALUE_NO_DELETE", path, "it is not there any more")
		case other.Number() != value.Number():
			c.found.add("ENUM_VALUE_NO_DELETE", path, fmt.Sprintf("it is number %d now, and was %d", other.Number(), value.Number()))
		}
	}
	for i := range b.Values().Len() {
		if value := b.Values().Get(i); a.Values().ByName(value.Name()) == nil {
			c.found.add("ENUM_VALUE_ADDED", string(b.FullName())+"."+string(value.Name()), "it is new")
		}
	}
}

func shape(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "a map"
	case f.IsList():
		return "a list"
	}
	return "one value"
}

// oneof is the oneof of a field that is one of several, "" if there is none.
func oneof(f protoreflect.FieldDescriptor) string {
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		return string(o.Name())
	}
	return ""
}

func named(oneof string) string {
	if oneof == "" {
		return "no oneof"
	}
	return "oneof " + oneof
}

// wellKnown messages have a JSON form of their own.
func wellKnown(m protoreflect.MessageDescriptor) bool {
	return strings.HasPrefix(string(m.FullName()), "google.protobuf.")
}

// messageFields are the fields of a message as JSON has them.
func messageFields(root protoreflect.MessageDescriptor) (fields []Field) {
	within := map[protoreflect.FullName]bool{}
	var walk func(prefix string, m protoreflect.MessageDescriptor)
	walk = func(prefix string, m protoreflect.MessageDescriptor) {
		if within[m.FullName()] {
			fields = append(fields, Field{Path: prefix, Type: "object"}) // a message within itself
			return
		}
		within[m.FullName()] = true
		defer delete(within, m.FullName())

		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			path := prefix + "/" + escape(f.JSONName())
			if inner := f.Message(); inner != nil && !f.IsMap() && !wellKnown(inner) && inner.Fields().Len() > 0 {
				if f.IsList() {
					path += "/*"
				}
				walk(path, inner)
				continue
			}
			fields = append(fields, fieldOf(path, f))
		}
	}
	walk("", root)
	return fields
}

func fieldOf(path string, f protoreflect.FieldDescriptor) Field {
	field := Field{Path: path}
	switch {
	case f.IsMap():
		field.Type = "object"
	case f.IsList():
		field.Type = "array"
	case f.Kind() == protoreflect.BoolKind:
		field.Type = "boolean"
	case f.Kind() == protoreflect.FloatKind || f.Kind() == protoreflect.DoubleKind:
		field.Type = "number"
	case group(f.Kind()) == "32 bit" || group(f.Kind()) == "fixed 32 bit":
		field.Type = "integer"
	case f.Kind() == protoreflect.EnumKind:
		field.Type = "string"
		for i := range f.Enum().Values().Len() {
			field.Enum = append(field.Enum, string(f.Enum().Values().Get(i).Name()))
		}
		if first := f.Enum().Values(); first.Len() > 0 {
			field.Default = string(first.Get(0).Name())
		}
	default:
		field.Type = "string" // text, bytes, times, and integers of 64 bit
	}
	return field
}

func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
