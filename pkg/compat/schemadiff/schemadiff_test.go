package schemadiff

import (
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// differences are what two descriptions differ in, one on each line: RULE path.
func differences(t *testing.T, older, newer []byte, message string) string {
	t.Helper()
	a, err := Parse(older, message)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(newer, message)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range all {
		if d.What == "" || RuleOf(d.Rule).Title == "" || d.Breaking != RuleOf(d.Rule).Breaking {
			t.Errorf("%+v", d)
		}
		lines = append(lines, d.Rule+" "+d.Path)
	}
	if same, err := Compare(b, b); err != nil || len(same) > 0 {
		t.Errorf("it differs from itself: %v %v", same, err)
	}
	return strings.Join(lines, "\n")
}

const order = `{"type":"object","required":["id"],"properties":{
	"id":{"type":"integer","minimum":0},"state":{"enum":["new","paid"]},"note":{"type":["string","null"],"maxLength":100},
	"lines":{"type":"array","items":{"$ref":"#/$defs/line"}},"labels":{"type":"object","additionalProperties":{"type":"string"}},
	"parent":{"$ref":"#"},"code":{"type":"string","pattern":"^[a-z]+$"}},
	"$defs":{"line":{"type":"object","properties":{"count":{"type":"integer"},"price":{"type":"number","default":1}}}}}`

func TestJSONSchemas(t *testing.T) {
	for name, test := range map[string]struct{ from, to, want string }{
		"the same":             {"", "", ""},
		"a property added":     {`"id":{`, `"extra":{"type":"string"},"id":{`, "PROPERTY_ADDED /extra"},
		"a property removed":   {`"state":{"enum":["new","paid"]},`, ``, "PROPERTY_REMOVED /state"},
		"a property renamed":   {`"state":`, `"status":`, "PROPERTY_REMOVED /state\nPROPERTY_ADDED /status"},
		"required":             {`["id"]`, `["id","note"]`, "REQUIRED_ADDED /note"},
		"not required":         {`"required":["id"],`, ``, ""},
		"null refused":         {`["string","null"]`, `"string"`, "TYPE_NARROWED /note"},
		"another type":         {`"id":{"type":"integer"`, `"id":{"type":"string"`, "TYPE_NARROWED /id"},
		"integer to number":    {`"id":{"type":"integer"`, `"id":{"type":"number"`, "TYPE_WIDENED /id"},
		"a value of an enum":   {`"new","paid"`, `"new"`, "ENUM_NARROWED /state"},
		"more values":          {`"new","paid"`, `"new","paid","sent"`, ""},
		"an enum that was not": {`"maxLength":100`, `"maxLength":100,"enum":["a"]`, "ENUM_NARROWED /note"},
		"a shorter text":       {`"maxLength":100`, `"maxLength":99`, "BOUND_TIGHTENED /note"},
		"a longer text":        {`"maxLength":100`, `"maxLength":101`, ""},
		"a higher minimum":     {`"minimum":0`, `"minimum":1`, "BOUND_TIGHTENED /id"},
		"no minimum":           {`,"minimum":0`, ``, ""},
		"a pattern":            {`^[a-z]+$`, `^[a-z0-9]+$`, "PATTERN_CHANGED /code"},
		"no pattern":           {`,"pattern":"^[a-z]+$"`, ``, ""},
		"closed":               {`"required":["id"]`, `"required":["id"],"additionalProperties":false`, "PROPERTIES_CLOSED /"},
		"within a reference":   {`"count":{"type":"integer"},`, ``, "PROPERTY_REMOVED /lines/*/count"},
		"a map of numbers":     {`"additionalProperties":{"type":"string"}`, `"additionalProperties":{"type":"integer"}`, "TYPE_NARROWED /labels/*"},
		"not followed":         {`"maxLength":100`, `"maxLength":100,"anyOf":[{"minLength":3}]`, "NOT_UNDERSTOOD /note"},
	} {
		t.Run(name, func(t *testing.T) {
			newer := strings.Replace(order, test.from, test.to, 1)
			if got := differences(t, []byte(order), []byte(newer), ""); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

const shop = `file { name: "shop.proto" package: "shop" syntax: "proto3"
	message_type { name: "Order"
		field { name: "id" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL json_name: "id" }
		field { name: "note" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "note" }
		field { name: "state" number: 3 type: TYPE_ENUM type_name: ".shop.State" label: LABEL_OPTIONAL json_name: "state" }
		field { name: "lines" number: 4 type: TYPE_MESSAGE type_name: ".shop.Line" label: LABEL_REPEATED json_name: "lines" }
		reserved_range { start: 9 end: 10 } reserved_name: "old"
	}
	message_type { name: "Line"
		field { name: "count" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "count" }
	}
	enum_type { name: "State" value { name: "NONE" number: 0 } value { name: "PAID" number: 1 } }
}`

func descriptors(t *testing.T, text string) []byte {
	t.Helper()
	var set descriptorpb.FileDescriptorSet
	if err := prototext.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(&set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestProtobufDescriptors(t *testing.T) {
	field := func(name, rest string) string {
		return `field { name: "` + name + `" ` + rest + ` label: LABEL_OPTIONAL json_name: "` + name + `" }`
	}
	for name, test := range map[string]struct{ from, to, want string }{
		"the same":       {"", "", ""},
		"a field added":  {`reserved_range`, field("x", "number: 5 type: TYPE_BOOL") + ` reserved_range`, "FIELD_ADDED shop.Order.x"},
		"a number again": {`reserved_range { start: 9 end: 10 }`, field("x", "number: 9 type: TYPE_BOOL"), "FIELD_RESERVED shop.Order.x"},
		"a name again":   {`reserved_name: "old"`, field("old", "number: 7 type: TYPE_BOOL"), "FIELD_RESERVED shop.Order.old"},
		"deleted":        {field("note", "number: 2 type: TYPE_STRING"), `reserved_range { start: 2 end: 3 }`, "FIELD_NO_DELETE shop.Order.note"},
		"renamed": {
			field("note", "number: 2 type: TYPE_STRING"), field("text", "number: 2 type: TYPE_STRING"),
			"FIELD_SAME_JSON_NAME shop.Order.note",
		},
		"32 bit":         {`number: 1 type: TYPE_INT64`, `number: 1 type: TYPE_INT32`, "FIELD_COMPATIBLE_TYPE shop.Order.id"},
		"unsigned":       {`number: 1 type: TYPE_INT64`, `number: 1 type: TYPE_UINT64`, ""},
		"bytes":          {`number: 2 type: TYPE_STRING`, `number: 2 type: TYPE_BYTES`, "FIELD_COMPATIBLE_TYPE shop.Order.note"},
		"a list":         {`TYPE_STRING label: LABEL_OPTIONAL`, `TYPE_STRING label: LABEL_REPEATED`, "FIELD_COMPATIBLE_CARDINALITY shop.Order.note"},
		"an enum value":  {`value { name: "PAID" number: 1 }`, ``, "ENUM_VALUE_NO_DELETE shop.State.PAID"},
		"another number": {`value { name: "PAID" number: 1 }`, `value { name: "PAID" number: 2 }`, "ENUM_VALUE_NO_DELETE shop.State.PAID"},
		"one more value": {`value { name: "PAID"`, `value { name: "SENT" number: 2 } value { name: "PAID"`, "ENUM_VALUE_ADDED shop.State.SENT"},
		"further down":   {`number: 1 type: TYPE_INT32`, `number: 1 type: TYPE_DOUBLE`, "FIELD_COMPATIBLE_TYPE shop.Line.count"},
		"a oneof": {
			`TYPE_STRING label: LABEL_OPTIONAL json_name: "note" }`,
			`TYPE_STRING label: LABEL_OPTIONAL json_name: "note" oneof_index: 0 } oneof_decl { name: "either" }`, "FIELD_SAME_ONEOF shop.Order.note",
		},
	} {
		t.Run(name, func(t *testing.T) {
			newer := strings.Replace(shop, test.from, test.to, 1)
			for _, message := range []string{"shop.Order", ""} {
				if got := differences(t, descriptors(t, shop), descriptors(t, newer), message); got != test.want {
					t.Errorf("%s\nwant %s", got, test.want)
				}
			}
		})
	}

	gone := strings.ReplaceAll(strings.Replace(shop, `message_type { name: "Line"`, `message_type { name: "Item"`, 1), ".shop.Line", ".shop.Item")
	if got := differences(t, descriptors(t, shop), descriptors(t, gone), ""); got != "MESSAGE_NO_DELETE shop.Line" {
		t.Errorf("a message that was renamed: %s", got)
	}
	required := strings.Replace(strings.Replace(shop, `syntax: "proto3"`, `syntax: "proto2"`, 1), `TYPE_STRING label: LABEL_OPTIONAL`, `TYPE_STRING label: LABEL_REQUIRED`, 1)
	optional := strings.Replace(shop, `syntax: "proto3"`, `syntax: "proto2"`, 1)
	if got := differences(t, descriptors(t, optional), descriptors(t, required), ""); got != "MESSAGE_SAME_REQUIRED_FIELDS shop.Order.note" {
		t.Errorf("required: %s", got)
	}
	defaults := strings.Replace(optional, `json_name: "note"`, `json_name: "note" default_value: "none"`, 1)
	if got := differences(t, descriptors(t, optional), descriptors(t, defaults), ""); got != "FIELD_SAME_DEFAULT shop.Order.note" {
		t.Errorf("a default: %s", got)
	}
}

func TestFieldsOfRows(t *testing.T) {
	fields := func(data []byte, message string) string {
		s, err := Parse(data, message)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range s.Fields() {
			all = append(all, f.Path+":"+f.Type)
		}
		return strings.Join(all, " ")
	}
	want := "/code:string /id:integer /labels:object /lines/*/count:integer /lines/*/price:number /note:string /parent:object /state:"
	if got := fields([]byte(order), ""); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := fields(descriptors(t, shop), "shop.Order"); got != "/id:string /note:string /state:string /lines/*/count:integer" {
		t.Errorf("%s", got)
	}
}

func TestWhatIsNoDescription(t *testing.T) {
	for _, test := range []struct{ data, message string }{
		{"", ""}, {"{", ""}, {"{}", ""}, {`{"id":1}`, ""}, {order, "shop.Order"}, {"\x00\x01", ""}, {string(descriptors(t, shop)), "shop.None"},
	} {
		if _, err := Parse([]byte(test.data), test.message); err == nil {
			t.Errorf("%.40q %s is taken", test.data, test.message)
		}
	}
	a, _ := Parse([]byte(order), "")
	b, _ := Parse(descriptors(t, shop), "")
	if _, err := Compare(a, b); err == nil {
		t.Error("JSON Schema and protobuf are compared")
	}
}

// Every rule is explained, and on the page about it.
func TestEveryRuleIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range Rules {
		if seen[r.ID] || r.Title == "" || r.Reason == "" || r.Source == "" {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
		if !strings.Contains(string(page), "`"+r.ID+"`") {
			t.Errorf("docs/ci.md does not have %s", r.ID)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(order), []byte(order), "")
	f.Add([]byte(`{"$ref":"#"}`), []byte(`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`), "")
	f.Add([]byte(`{"type":"object","properties":{"a":{"items":{"$ref":"#"}}}}`), []byte(order), "")
	f.Fuzz(func(t *testing.T, older, newer []byte, message string) {
		a, errA := Parse(older, message)
		b, errB := Parse(newer, message)
		if errA != nil || errB != nil {
			return
		}
		a.Fields()
		_, _ = Compare(a, b)
		if same, err := Compare(a, a); err != nil || len(same) > 0 {
			t.Errorf("it differs from itself: %v %v", same, err)
		}
	})
}
