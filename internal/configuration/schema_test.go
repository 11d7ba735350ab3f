package configuration_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur/internal/configuration"
)

func TestSchemaIsTheOneOfTheTable(t *testing.T) {
	want, err := configuration.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil { //nolint:gosec // a page of documentation
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table says; write it with go test ./internal/configuration -update (%v)", schemaFile, err)
	}
}

// documents are files, and whether they are good. The schema agrees, but where a note says what no schema can say.
var documents = []struct {
	text   string
	good   bool
	beyond string
}{
	{text: head, good: true},
	{text: "kind: Configuration\n\n\napiVersion: 'appbur.io/v1alpha1'\n", good: true},
	{text: head + "watch:\nguards:\n", good: true},
	{text: head + "watch: {}\n", good: true},
	{text: head + "watch: {quiet: 0s, limit: 1h30m}\n", good: true},
	{text: head + "watch: {quiet: 1500ms}\n", good: true},
	{text: head + "watch: {quiet: 1.5s}\n", good: true},
	{text: head + "maintenance: {afterCommits: 0}\n", good: true},
	{text: head + "maintenance: {afterCommits: 1e3}\n", good: true},
	{text: head + "repository: {path: 2026-11-30}\n", good: true},
	{text: head + "repository: {path: ./ä b/c}\ncluster: {context: 'kind-x@y'}\n", good: true},
	{text: head + "log: {format: json}\npush: {enabled: false}\nreload: {every: 0s}\n", good: true},
	{text: `{"apiVersion": "appbur.io/v1alpha1", "kind": "Configuration", "guards": {"allowCollapse": true}}`, good: true},

	{text: "null\n"},
	{text: "[]\n"},
	{text: "{}\n"},
	{text: "text\n"},
	{text: "kind: Configuration\n"},
	{text: "apiVersion: appbur.io/v1\nkind: Configuration\n"},
	{text: "apiVersion: appbur.io/v1alpha1\nkind: Config\n"},
	{text: head + "wacth: {}\n"},
	{text: head + "watch: {Quiet: 1s}\n"},
	{text: head + "watch: 2s\n"},
	{text: head + "watch: []\n"},
	{text: head + "watch: {quiet: }\n"},
	{text: head + "watch: {quiet: 2}\n"},
	{text: head + "watch: {quiet: ''}\n"},
	{text: head + "watch: {quiet: '0'}\n"},
	{text: head + "watch: {quiet: -1s}\n"},
	{text: head + "watch: {quiet: 1d}\n"},
	{text: head + "watch: {quiet: 1s1m}\n"},
	{text: head + "watch: {limit: 1000000h}\n"},
	{text: head + "watch: {limit: 9999h59m59s999ms}\n", good: true},
	{text: head + "guards: {allowCollapse: yes}\n"},
	{text: head + "guards: {allowCollapse: 'true'}\n"},
	{text: head + "guards: {allowCollapse: 1}\n"},
	{text: head + "maintenance: {afterCommits: -1}\n"},
	{text: head + "maintenance: {afterCommits: 1.5}\n"},
	{text: head + "maintenance: {afterCommits: '5'}\n"},
	{text: head + "maintenance: {afterCommits: 1000000001}\n"},
	{text: head + "log: {format: yaml}\n"},
	{text: head + "log: {format: JSON}\n"},
	{text: head + "repository: {path: 5}\n"},
	{text: head + "repository: {path: ''}\n"},
	{text: head + "repository: {path: \"a\\nb\"}\n"},
	{text: head + "repository: {path: 'https://git.example/mgmt.git'}\n"},
	{text: head + "repository: {path: git@git.example:mgmt.git}\n"},
	{text: head + "repository: {keys: [a]}\n"},

	{text: head + "watch: {quiet: 30s}\n", beyond: "two settings are compared"},
	{text: head + "maintenance: {afterCommits: 0x10}\n", beyond: "a number is written in a way that readers take for different ones"},
	{text: head + "watch: {limit: 9999h99m}\n", beyond: "a sum is too long"},
	{text: head + "watch: &w {}\n", beyond: "an anchor"},
	{text: head + "log: !!map {}\n", beyond: "a tag"},
}

func TestSchemaAndParserAgree(t *testing.T) {
	valid := compiledSchema(t)
	for _, d := range documents {
		_, err := configuration.Parse([]byte(d.text), nil, nil)
		if d.good != (err == nil) {
			t.Errorf("%q: the parser says %v", d.text, err)
		}
		if err, _ := valid([]byte(d.text)); (d.good || d.beyond != "") != (err == nil) {
			t.Errorf("%q: the schema says %v", d.text, err)
		}
	}
}

// compiledSchema judges documents by the schema, those that are readable YAML.
func compiledSchema(t testing.TB) func([]byte) (invalid error, readable bool) {
	t.Helper()
	text, err := configuration.Schema()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(configuration.SchemaID, parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(configuration.SchemaID)
	if err != nil {
		t.Fatal(err)
	}

	return func(data []byte) (error, bool) {
		var document yaml.Node
		if err := yaml.Unmarshal(data, &document); err != nil {
			return nil, false
		}
		textify(&document)
		var value any
		if err := document.Decode(&value); err != nil {
			return nil, false
		}
		return schema.Validate(value), true
	}
}

// textify makes texts of dates, which they are in YAML 1.2 and to editors.
func textify(n *yaml.Node) {
	if n.ShortTag() == "!!timestamp" {
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		textify(child)
	}
}
