package helm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

func TestReadTellsRecordsFromOtherObjects(t *testing.T) {
	t.Parallel()
	encoded := encode(t, []byte(releaseJSON("web", "shop", 1, "deployed")))

	change := func(obj map[string]any, path string, value any) map[string]any {
		keys := strings.Split(path, ".")
		m := obj
		for _, key := range keys[:len(keys)-1] {
			m, _ = m[key].(map[string]any)
		}
		m[keys[len(keys)-1]] = value
		return obj
	}

	secret := func() map[string]any { return secretRecord("web", "shop", 1, "deployed", encoded) }
	configMap := func() map[string]any { return configMapRecord("web", "shop", 1, "deployed", encoded) }
	for name, test := range map[string]struct {
		obj  map[string]any
		want bool
	}{
		"a secret":                         {secret(), true},
		"a config map":                     {configMap(), true},
		"a secret under another name":      {change(secret(), "metadata.name", "copy"), true},
		"a secret without labels":          {change(secret(), "metadata.labels", nil), true},
		"a secret of another type":         {change(secret(), "type", "Opaque"), false},
		"a secret of a later record":       {change(secret(), "type", "helm.sh/release.v2"), false},
		"a secret without a name":          {change(secret(), "metadata.name", ""), false},
		"a config map under another name":  {change(configMap(), "metadata.name", "shop"), false},
		"a config map of another owner":    {change(configMap(), "metadata.labels.owner", "TILLER"), false},
		"a config map without labels":      {change(configMap(), "metadata.labels", "x"), false},
		"another kind":                     {change(configMap(), "kind", "Lease"), false},
		"a secret of another group":        {change(secret(), "apiVersion", "example.com/v1"), false},
		"an object without anything in it": {map[string]any{}, false},
		"no object":                        {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok, err := Read(test.obj)
			if ok != test.want || err != nil {
				t.Errorf("Read says %v, %v, want %v", ok, err, test.want)
			}
		})
	}
}

func TestReadDoesNotModifyItsInput(t *testing.T) {
	t.Parallel()
	encoded := encode(t, []byte(releaseJSON("web", "shop", 1, "deployed")))
	obj := secretRecord("web", "shop", 1, "deployed", encoded)
	mustRead(t, obj)
	if diff := cmp.Diff(secretRecord("web", "shop", 1, "deployed", encoded), obj); diff != "" {
		t.Errorf("the input was modified (-before +after):\n%s", diff)
	}
}

// Helm reads records from before it compressed them, and so does Read.
func TestReadTakesUncompressedRecords(t *testing.T) {
	t.Parallel()
	plain := base64.StdEncoding.EncodeToString([]byte(releaseJSON("web", "shop", 1, "deployed")))
	if s := mustRead(t, configMapRecord("web", "shop", 1, "deployed", plain)).Summary(); len(s.Objects) != 1 {
		t.Errorf("summary %+v", s)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	complete := zip(t, []byte(releaseJSON("web", "shop", 4, "failed")))
	b64 := base64.StdEncoding.EncodeToString
	flipped := bytes.Clone(complete)
	flipped[len(flipped)-6] ^= 1 // within the checksum

	// gzip streams may be joined, which makes a bomb without the work.
	bomb := bytes.Repeat(zip(t, make([]byte, 1<<20)), maxRelease>>20+1)
	many := `{"name":"shop","version":4,"manifest":` + quoted(t, strings.Repeat("---\na: b\n", maxObjects+1)) + `}`
	list := `{"name":"shop","version":4,"manifest":` +
		quoted(t, "kind: List\nitems: ["+strings.Repeat("{apiVersion: v1, kind: Pod},", maxObjects+1)+"]") + `}`
	large := `{"name":"shop","version":4,"manifest":` + quoted(t, "a: "+strings.Repeat("x", maxDocument)) + `}`

	laughs := "a: &a " + strings.Repeat("x", 100_000) + "\nb: [" + strings.Repeat("*a,", 1000) + "]\n"
	for name, test := range map[string]struct {
		obj    map[string]any
		want   error
		detail string
	}{
		"no data":               {secretRecord("web", "shop", 4, "failed", ""), ErrEncoding, "missing"},
		"data of another shape": {withData(configMapRecord("web", "shop", 4, "failed", ""), "x"), ErrEncoding, "missing"},
		"still encrypted": {withData(secretRecord("web", "shop", 4, "failed", ""),
			map[string]any{"release": "ENC[AES256_GCM,data:x,type:str]"}), ErrEncrypted, "encrypted"},
		"not base64": {configMapRecord("web", "shop", 4, "failed", "!hunter2!"), ErrEncoding, "at input byte 0"},
		"not base64 outside": {
			withData(secretRecord("web", "shop", 4, "failed", ""), map[string]any{"release": "?"}), ErrEncoding,
			"at input byte 0",
		},
		"base64 once": {
			withData(secretRecord("web", "shop", 4, "failed", ""), map[string]any{"release": b64(complete)}), ErrEncoding,
			"illegal base64",
		},
		"a truncated gzip": {configMapRecord("web", "shop", 4, "failed", b64(complete[:len(complete)/2])), ErrEncoding, "unexpected EOF"},
		"a header of gzip": {configMapRecord("web", "shop", 4, "failed", b64(gzipMagic)), ErrEncoding, "EOF"},
		"a wrong checksum": {configMapRecord("web", "shop", 4, "failed", b64(flipped)), ErrEncoding, "checksum"},
		"a bomb":           {secretRecord("web", "shop", 4, "failed", b64(bomb)), ErrTooLarge, "64 MiB"},
		"no JSON":          {configMapRecord("web", "shop", 4, "failed", encode(t, []byte(`{"name": hunter2`))), ErrNotRelease, "byte 10"},
		"JSON of another shape": {configMapRecord("web", "shop", 4, "failed",
			encode(t, []byte(`{"name":"shop","version":4,"info":{"status":12345}}`))), ErrNotRelease, `"info.status"`},
		"JSON of a list": {configMapRecord("web", "shop", 4, "failed", encode(t, []byte(`[]`))), ErrNotRelease, "another type"},
		"no name":        {configMapRecord("web", "shop", 4, "failed", encode(t, []byte(`{"version":4}`))), ErrNotRelease, "no name"},
		"no revision": {
			configMapRecord("web", "shop", 4, "failed", encode(t, []byte(`{"name":"shop"}`))), ErrNotRelease,
			"no revision",
		},
		"too many documents": {configMapRecord("web", "shop", 4, "failed", encode(t, []byte(many))), ErrTooLarge, "20000 objects"},
		"too many items":     {configMapRecord("web", "shop", 4, "failed", encode(t, []byte(list))), ErrTooLarge, "20000 objects"},
		"a huge document":    {configMapRecord("web", "shop", 4, "failed", encode(t, []byte(large))), ErrManifest, "4 MiB"},
		"aliases that multiply": {configMapRecord("web", "shop", 4, "failed",
			encode(t, []byte(`{"name":"shop","version":4,"manifest":`+quoted(t, laughs)+`}`))), ErrManifest, "aliases"},
	} {
		t.Run(name, func(t *testing.T) {
			r, ok, err := Read(test.obj)
			if !ok || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.detail) {
				t.Fatalf("Read: %v, %v, want %v that says %q", ok, err, test.want, test.detail)
			}
			if appbur.HintOf(err) == "" {
				t.Error("there is no hint")
			}
			// The labels still show which revision it is.
			s := r.Summary()
			if s.Namespace != "web" || s.Name != "shop" || s.Revision != 4 || s.Status != "failed" {
				t.Errorf("the summary is %+v", s)
			}
			if s.Problem == "" || !strings.HasSuffix(err.Error(), s.Problem) {
				t.Errorf("the problem is %q, the error %q", s.Problem, err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "12345") {
				t.Errorf("the error quotes the record: %v", err)
			}
		})
	}
}

func withData(obj map[string]any, data any) map[string]any {
	obj = maps.Clone(obj)
	obj["data"] = data
	return obj
}

func quoted(t testing.TB, s string) string {
	t.Helper()
	out, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTheNameSpeaksWhereLabelsDoNot(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]appbur.HelmRelease{
		"sh.helm.release.v1.shop.v12":      {Name: "shop", Revision: 12},
		"sh.helm.release.v1.shop.v2.v3":    {Name: "shop.v2", Revision: 3},
		"sh.helm.release.v1.shop.vx":       {Name: "shop"},
		"sh.helm.release.v1.shop.v-1":      {Name: "shop"},
		"sh.helm.release.v1.shop":          {Name: "sh.helm.release.v1.shop"},
		"sh.helm.release.v1..v1":           {Name: "sh.helm.release.v1..v1"},
		"a-copy":                           {Name: "a-copy"},
		"sh.helm.release.v1.shop.v9999999": {Name: "shop", Revision: 9999999},
	} {
		obj := map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": secretType,
			"metadata": map[string]any{"name": name, "namespace": "n"},
		}
		r, ok, err := Read(obj)
		if !ok || err == nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		got := r.Summary()
		want.Namespace, want.Problem = "n", got.Problem
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestNothingSecretComesOut plants a canary everywhere but where identities are,
// and looks for it in everything that the package gives away.
func TestNothingSecretComesOut(t *testing.T) {
	t.Parallel()
	const canary = "CANARY7f3a"
	manifest := "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  labels: {x: CANARY7f3a}\nstringData:\n  password: CANARY7f3a # CANARY7f3a\n" +
		"---\nCANARY7f3a\n---\na: \"CANARY7f3a\n---\na: *CANARY7f3a\n---\na: !!int CANARY7f3a\n---\n{\"a\": CANARY7f3a}\n---\nCANARY7f3a: &x [*x]\n---\n? CANARY7f3a\n"

	plain := `{"name":"r","namespace":"n","version":1,"info":{"status":"deployed","notes":"CANARY7f3a","description":"CANARY7f3a"},` +
		`"chart":{"metadata":{"name":"c","version":"1","description":"CANARY7f3a"},"values":{"p":"CANARY7f3a"},"templates":[{"name":"t","data":"CANARY7f3a"}]},` +
		`"config":{"p":"CANARY7f3a"},"manifest":` + quoted(t, manifest) + `,"hooks":[{"name":"CANARY7f3a","manifest":` + quoted(t, manifest) +
		`}]}`
	records := []map[string]any{
		secretRecord("n", "r", 1, "deployed", encode(t, []byte(plain))),
		configMapRecord("n", "r", 1, "deployed", encode(t, []byte(plain))),
		configMapRecord("n", "r", 1, "deployed", encode(t, []byte(plain[:len(plain)-1]))),
		configMapRecord("n", "r", 1, "deployed", encode(t, []byte("CANARY7f3a"))),
		configMapRecord("n", "r", 1, "deployed", encode(t, []byte(`{"name":"r","version":1,"manifest":{"CANARY7f3a":"CANARY7f3a"}}`))),
		configMapRecord("n", "r", 1, "deployed", "!CANARY7f3a"),
	}

	for i, obj := range records {
		r, ok, err := Read(obj)
		if !ok || err == nil {
			t.Fatalf("record %d: %v, %v, want one that is not completely readable", i, ok, err)
		}
		if i < 2 && len(Judge(r, compat.TableTarget(kubeVersion(t, "1.37")))) != 2 {
			t.Errorf("record %d: the canary's Secrets were not judged, so the test looks at nothing", i)
		}
		encoded, jsonErr := json.Marshal([]any{r, r.Summary(), Judge(r, compat.TableTarget(kubeVersion(t, "1.37")))})
		if jsonErr != nil {
			t.Fatal(jsonErr)
		}
		wrapped := struct {
			R  Release
			rs []Release
		}{r, []Release{r}}
		outputs := []string{string(encoded), err.Error(), appbur.HintOf(err)}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			for _, value := range []any{r, &r, wrapped, &wrapped, wrapped.rs} {
				outputs = append(outputs, fmt.Sprintf(format, value))
			}
		}
		for _, out := range outputs {
			if strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
				t.Errorf("record %d: the canary got out: %s", i, out)
			}
		}
	}
}
