package contract_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

const canary = "canary-7f3a9"

func TestRedact(t *testing.T) {
	for name, test := range map[string]struct {
		message proto.Message
		keeps   string
	}{
		"a chunk": {&contractpb.Chunk{Dataset: "notes", Offset: 7, Data: []byte(canary)}, "notes"},
		"within a message": {&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{Chunk: &contractpb.Chunk{
			Dataset: "notes",
			Data:    []byte(canary),
		}}}, "notes"},
		"within a list": {&contractpb.GetFingerprintResponse{Fingerprints: []*contractpb.Fingerprint{{
			Dataset: "notes",
			Token:   []byte(canary),
		}}}, "notes"},
		"a list itself": {
			&contractpb.VerifyResult{Datasets: []*contractpb.DatasetTrailer{{Dataset: "notes"}}, Problems: []string{canary}},
			"notes",
		},
		"nothing to leave": {&contractpb.Failure{Message: "why", Metadata: map[string]string{"row": "7"}}, "why"},
		"an import's guards": {
			&contractpb.ImportOpen{SourceAppId: "notes", Expected: []*contractpb.Fingerprint{{Token: []byte(canary)}}},
			"notes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := proto.Clone(test.message)
			text := prototext.Format(contract.Redact(test.message))
			if strings.Contains(text, canary) {
				t.Errorf("printed %s", text)
			}
			if !strings.Contains(text, test.keeps) {
				t.Errorf("%s does not contain %s", text, test.keeps)
			}
			if !proto.Equal(before, test.message) {
				t.Error("the message itself was changed")
			}
		})
	}
}

func TestRedactLeavesTheRestAlone(t *testing.T) {
	m := &contractpb.ImportResult{
		Applied: true, Datasets: []*contractpb.DatasetResult{{Name: "a", Sha256: []byte{1, 2}, Rows: 3}},
		Warnings: []string{"w"},
	}
	if got := contract.Redact(m); !proto.Equal(m, got) {
		t.Errorf("%s became %s", m, got)
	}
	if got := contract.Redact[*contractpb.Chunk](nil); got != nil {
		t.Errorf("nil became %v", got)
	}
	f := &contractpb.Failure{Metadata: map[string]string{"a": "b"}}
	contract.Redact(f).Metadata["a"] = "c"
	if f.GetMetadata()["a"] != "b" {
		t.Error("the copy shares a map")
	}
}

func TestRedactUnknownFields(t *testing.T) {
	m := &contractpb.ImportAck{Dataset: "a"}
	m.ProtoReflect().SetUnknown(protoreflect.RawFields(append([]byte{0x7a, byte(len(canary))}, canary...)))
	raw, err := proto.Marshal(contract.Redact(m))
	if err != nil || bytes.Contains(raw, []byte(canary)) {
		t.Errorf("%q %v", raw, err)
	}
}

// TestRedactMessagesOfOthers: maps and text fields, which the contract's own
// messages do not mark.
func TestRedactMessagesOfOthers(t *testing.T) {
	options := &descriptorpb.FieldOptions{}
	proto.SetExtension(options, contractpb.E_Sensitive, true)
	text, message := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()

	one, many := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("x.proto"), Package: proto.String("x"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("M"),
			Field: []*descriptorpb.FieldDescriptorProto{
				{Name: proto.String("password"), JsonName: proto.String("password"), Number: proto.Int32(1), Type: text, Label: one, Options: options},
				{
					Name: proto.String("inner"), JsonName: proto.String("inner"), Number: proto.Int32(2), Type: message,
					TypeName: proto.String(".x.M.InnerEntry"), Label: many,
				},
			},
			NestedType: []*descriptorpb.DescriptorProto{{
				Name: proto.String("InnerEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
				Field: []*descriptorpb.FieldDescriptorProto{
					{Name: proto.String("key"), JsonName: proto.String("key"), Number: proto.Int32(1), Type: text, Label: one},
					{
						Name: proto.String("value"), JsonName: proto.String("value"), Number: proto.Int32(2), Type: message, TypeName: proto.String(".x.M"),
						Label: one,
					},
				},
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}

	d := file.Messages().ByName("M")
	inner := dynamicpb.NewMessage(d)
	inner.Set(d.Fields().ByName("password"), protoreflect.ValueOfString(canary))
	outer := dynamicpb.NewMessage(d)
	outer.Mutable(d.Fields().ByName("inner")).Map().Set(protoreflect.ValueOfString("k").MapKey(), protoreflect.ValueOfMessage(inner))
	out := prototext.Format(contract.Redact(outer))
	if strings.Contains(out, canary) || !strings.Contains(out, "[redacted]") || !strings.Contains(out, "k") {
		t.Errorf("printed %s", out)
	}
}

func FuzzRedact(f *testing.F) {
	seed, err := proto.Marshal(&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Chunk{Chunk: &contractpb.Chunk{
		Dataset: "a",
		Data:    []byte("x"),
	}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, in []byte) {
		var m contractpb.ImportRequest
		if proto.Unmarshal(in, &m) != nil {
			return
		}
		got := contract.Redact(&m)
		if len(got.GetChunk().GetData()) > 0 || len(got.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("printed %s", got)
		}
	})
}
