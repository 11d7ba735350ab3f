package repository

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

// hostileTexts are texts that some reader of YAML takes for something else, or loses
// a part of.
var hostileTexts = []string{
	"no", "on", "~", "null", "1e3", "0x1F", "017", "0o17", "1_000", ".inf", ".nan", "2001-12-14", "12:30:45", "=", "<<", "yes ", "", " ", "\n",
	"\n\n", "a\n",
	"a\n\n", "\na", " a\nb", "\ta\n b", "a\r\nb\r\n", "a\rb", "a\u0085b", "a\u2028b", "\ufeffbom", "nul\x00byte", "\a", "\x1b[31m", "🚀",
	"é e\u0301", "\uffff", "\ufffd",
	"- a", "? b", ": c", "# d", "a: b", "a #b", "[1]", "{a}", "%TAG", "@x", "`x", "!x", "&x", "*x", "|", "|+\n a", ">-", "'", `"`, `\`, `\n`,
	"---", "...", "--- \nx",
	"a\n---\nb", "a\n...\nb", "<<<<<<< HEAD\n=======\n>>>>>>> x", "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]", "sops:\n  mac: x", "$(x) ${x}",
	"{{ x }}",
	strings.Repeat("x", 300), strings.TrimSpace(strings.Repeat("word ", 60)), "  lead", "trail  ", "a  \nb", "\u200b", "\u00a0", "true\n",
	"9007199254740993",
	"1.0", "-0", "+1", "1.", "0b1", "0o8", "y", "n", "Y", "off", "NaN", "nAn", "-.INF", "\x7f",
}

// Texts, keys of any length and numbers come back as they were, in clear and sealed,
// and a second backup of them changes nothing.
func TestHostileTextComesBack(t *testing.T) {
	f := newFixture(t)
	texts, keys, secrets, list := map[string]any{}, map[string]any{}, map[string]any{"empty": ""}, []any{}
	for i, text := range hostileTexts {
		name := fmt.Sprintf("k%03d", i)
		texts[name], keys[text], secrets[name] = text, text, base64.StdEncoding.EncodeToString([]byte(text))
		list = append(list, text)
	}
	for _, length := range []int{999, 1000, 1001, 1023, 1024, 1025, 5000} {
		long := strings.Repeat("監", length/3) + strings.Repeat("a", length%3)
		keys[long] = map[string]any{long: []any{"a", map[string]any{long: "b"}}}
	}
	numbers := []any{
		int64(0), 0.1, 1e21, 1e-7, int64(9007199254740993), int64(-9223372036854775808), 5e-324, 1.7976931348623157e308, true,
		nil,
		map[string]any{},
		[]any{},
	}
	named := func(apiVersion, kind string, fields map[string]any) map[string]any {
		fields["apiVersion"], fields["kind"] = apiVersion, kind
		fields["metadata"] = map[string]any{"name": "a", "namespace": "n", "annotations": texts}
		return fields
	}
	objects := []map[string]any{
		named("v1", "ConfigMap", map[string]any{"data": texts}),
		named("v1", "Secret", map[string]any{"data": secrets, "type": "Opaque"}),
		named("example.org/v1", "SealedText", map[string]any{"spec": map[string]any{"keys": keys, "list": list}}),
		named("example.org/v1", "Text", map[string]any{"spec": map[string]any{"texts": texts, "keys": keys, "list": list, "numbers": numbers}}),
	}

	save := func() Outcome {
		writer := f.begin()
		for _, object := range objects {
			result, err := f.rules().Make(object)
			if err != nil {
				t.Fatal(err)
			}
			if object["kind"] == "SealedText" {
				result.Manifest.Sensitive, result.Manifest.SecretPaths = true, [][]string{{"spec"}}
			}
			if err := writer.Put(result); err != nil {
				t.Fatal(err)
			}
		}
		outcome, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{})
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	loaded, err := f.repo.Load(t.Context(), f.savePoint(save(), nil), f.opener())
	if err != nil {
		t.Fatal(err)
	}
	for i, object := range loaded.Objects {
		for _, want := range objects {
			if want["kind"] != object.ID.Kind {
				continue
			}
			if diff := cmp.Diff(want, object.Content); diff != "" {
				t.Errorf("object %d, %s (-want +got):\n%s", i, object.ID, diff)
			}
		}
	}
	if save().Committed {
		t.Error("a second backup made a commit")
	}
}
