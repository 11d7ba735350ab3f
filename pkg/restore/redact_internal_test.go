package restore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func redactionOf(t testing.TB, content string, paths ...[]string) *redaction {
	t.Helper()
	var o Object
	if err := json.Unmarshal([]byte(content), &o.Content); err != nil {
		t.Fatal(err)
	}
	o.ID = appbur.ObjectID{Kind: text(o.Content, "kind"), Name: "x"}
	o.Secrets = paths
	return newRedaction(pack(o))
}

func TestTextIsRedacted(t *testing.T) {
	v := redactionOf(t, `{"kind":"ConfigMap","data":{"key":"s3cret\nof two lines \"here\"","short":"ab","n":7,"open":"shown"}}`,
		[]string{"data", "key"}, []string{"data", "short"}, []string{"data", "n"})

	for said, want := range map[string]string{
		"data.key: Invalid value: \"s3cret\\nof two lines \\\"here\\\"\": no": `data.key: Invalid value: "(secret)": no`,
		"s3cret\nof two lines \"here\"":                                       "(secret)",
		"line 2: of two lines \"here\" is wrong":                              "line 2: (secret) is wrong",
		`Invalid value: "ab": grab about cab-ab`:                              `Invalid value: "(secret)": grab about cab-ab`,
		"Invalid value: 7: at 2026-11-07 there were 17":                       "Invalid value: (secret): at 2026-11-07 there were 17",
		"open is shown": "open is shown",
		`denied: {"data":{"live":"only"}} by policy`:                                "denied: {…} by policy",
		`denied: "{\"data\":{\"live\":\"only\"}}" by policy`:                        `denied: "{…}`,
		`denied: {"data":{"live":"onl`:                                              "denied: {…}",
		"token eyJhbGciOiJSUzI1NiIsImtpZCI6IlI5bHFNWUtucXhad1hoUmQ5a2tE is refused": "token (secret) is refused",
		"sha256:1bac84e85e2c7b7f702fb8e6b02a21de2c6399f537d01fe99433884dd84c899a":   "sha256:1bac84e85e2c7b7f702fb8e6b02a21de2c6399f537d01fe99433884dd84c899a",
		"": "",
	} {
		if got := v.text(said); got != want {
			t.Errorf("text(%q)\n got %q\nwant %q", said, got, want)
		}
	}

	if got := (*redaction)(nil).text("{\"a\":1}"); got != "{\"a\":1}" {
		t.Errorf("who has no secrets: %q", got)
	}
}

func TestFieldsAreRedacted(t *testing.T) {
	v := redactionOf(t, `{"kind":"X"}`, []string{"spec", "users", "password"}, []string{"metadata", "annotations", "a.b/c"})
	for path, want := range map[string]bool{
		"spec/users/0/password": true, "spec/users/password": true, "spec/users/3": true, "spec": true, "": true,
		"spec/users/0/name": false, "spec/other": false, "metadata/annotations/a.b/d": false, "metadata/name": false,
		"spec/users/0/password/deeper": true,
	} {
		var list []string
		if path != "" {
			list = strings.Split(path, "/")
		}
		if got := v.hides(list); got != want {
			t.Errorf("hides(%q) is %v", path, got)
		}
	}

	if !v.hides([]string{"metadata", "annotations", "a.b/c"}) {
		t.Error("an annotation is shown")
	}
	if (*redaction)(nil).hides([]string{"data"}) {
		t.Error("who has no secrets hides something")
	}
	if !(*redaction)(nil).with([][]string{{"data"}}).hides([]string{"data", "k"}) || !v.with([][]string{{"data"}}).hides([]string{"data"}) {
		t.Error("paths that were added are shown")
	}
}

// Two objects that differ in secrets alone have one masked form, before and after
// conversion moved a value.
func TestMaskedFormDoesNotDependOnSecrets(t *testing.T) {
	digest := func(password string, content string) appbur.Digest {
		t.Helper()
		v := redactionOf(t, fmt.Sprintf(`{"kind":"X","spec":{"password":%q,"peers":[%q],"user":"u"}}`, password, password),
			[]string{"spec", "password"}, []string{"spec", "peers"})
		var sent map[string]any
		if err := json.Unmarshal([]byte(fmt.Sprintf(content, password)), &sent); err != nil {
			t.Fatal(err)
		}
		d, err := digestContent(v.mask(sent))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}

	for _, content := range []string{
		`{"kind":"X","spec":{"password":%q,"user":"u"}}`,
		`{"kind":"X","spec":{"login":{"secret":%q},"user":"u"}}`,
	} {
		if digest("one", content) != digest("two", content) {
			t.Errorf("the digest of %s reveals the secret", content)
		}
	}

	if digest("one", `{"kind":"X","spec":{"password":%q,"user":"u"}}`) == digest("one", `{"kind":"X","spec":{"password":%q,"user":"v"}}`) {
		t.Error("the digest does not cover what is not secret")
	}
	v := redactionOf(t, `{"kind":"X","spec":{"password":"one"}}`, []string{"spec", "password"})
	content := map[string]any{"spec": map[string]any{"password": "one"}}
	v.mask(content)
	if content["spec"].(map[string]any)["password"] != "one" {
		t.Error("mask changed the content")
	}
}

// An error keeps its kind and loses its values.
func TestErrorsAreRedacted(t *testing.T) {
	v := redactionOf(t, `{"kind":"Secret","data":{"a":"`+base64.StdEncoding.EncodeToString([]byte("hunter22"))+`"}}`)
	cause := errors.New("cause")
	err := v.error(fmt.Errorf("not hunter22: %w", cause))
	if err.Error() != "not (secret): cause" || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if same := v.error(cause); !errors.Is(same, cause) || same.Error() != "cause" || v.error(nil) != nil {
		t.Error("an error without values changed")
	}
}

// Whatever a server quotes, in whatever way Go and JSON quote, a value of some length
// is not in the text, and the text without values stays.
func FuzzRedactText(f *testing.F) {
	for _, seed := range [][2]string{
		{"correct horse", "data.a: Invalid value: "},
		{"two\nlines of\ttext \"quoted\"", "x"},
		{"čeština\x00", "{"},
		{"aaaaaaaaaaaa", "aaa"},
		{"{\"a\":\"b\"}", "no"},
	} {
		f.Add(seed[0], seed[1])
	}

	f.Fuzz(func(t *testing.T, value, around string) {
		if len(strings.TrimSpace(value)) < 8 || strings.Contains(redacted, value) || strings.Contains("{…}", value) {
			return // too short to be distinguished from other text
		}
		o := Object{
			ID: appbur.ObjectID{Kind: "ConfigMap", Name: "x"}, Secrets: [][]string{{"data"}},
			Content: map[string]any{"data": map[string]any{"k": value}},
		}
		v := newRedaction(pack(o))
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{value, fmt.Sprintf("%q", value), string(quoted)} {
			got := v.text(around + form + around)
			if strings.Contains(got, form) && !strings.Contains(v.text(around+around), form) {
				t.Errorf("%q is still in %q", form, got)
			}
		}
	})
}

// The event about a repeated request contains no secret that the server quoted.
func TestWaitingIsToldWithoutSecrets(t *testing.T) {
	var told Event
	w := &worker{notify: func(_ context.Context, e Event) { told = e }}
	v := redactionOf(t, `{"kind":"ConfigMap","data":{"key":"s3cret"}}`, []string{"data", "key"})
	step := &Step{ID: 3, Object: appbur.ObjectID{Kind: "ConfigMap", Name: "x"}, redaction: v}
	w.waiting(t.Context(), step, &retryRule{name: "internal"}, errors.New(`webhook cannot judge "s3cret"`))
	if told.Retry != "internal" || told.Reason != `internal: webhook cannot judge "(secret)"` || told.Step != 3 {
		t.Errorf("told %+v", told)
	}
}
