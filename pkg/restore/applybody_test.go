package restore

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// Servers refuse requests of more than 3 MiB, and take objects of 1 MiB of any text.
func TestApplyBodyDoesNotGrow(t *testing.T) {
	body, err := applyBody(map[string]any{"data": map[string]any{"key": strings.Repeat("<&>", 340_000)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > 1_100_000 {
		t.Errorf("1 MB of text makes a request of %d bytes", len(body))
	}
}

// Whatever text an object holds, the server's YAML reader gets the same text.
func TestApplyBodyIsTheSameInYAML(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, text string) {
		body, err := applyBody(map[string]any{"data": map[string]any{"key": text}})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for name, read := range map[string]func([]byte, any) error{
			"json": json.Unmarshal,
			"yaml": func(data []byte, into any) error { return yaml.Unmarshal(data, into) },
		} {
			var got struct{ Data map[string]string }
			if err := read(body, &got); err != nil {
				t.Fatalf("%s: %q as %s: %v", name, text, body, err)
			}
			if got.Data["key"] != text {
				t.Fatalf("%s: %q came back as %q", name, text, got.Data["key"])
			}
		}
	}

	for _, text := range []string{
		"", "\x7f", "\u0080", "a\u0085b", "\ufeffbom", "\ufffe\uffff", "\u2028", "\x00\x1b", "😀", "<&>", "\\u0085",
		`"`, "\t\r\n",
	} {
		check(t, text)
	}

	rapid.Check(t, func(t *rapid.T) { check(t, rapid.String().Draw(t, "text")) })
}
