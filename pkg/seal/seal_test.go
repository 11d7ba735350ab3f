package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

var when = time.Date(2026, 11, 21, 3, 2, 38, 0, time.UTC)

func clock() time.Time { return when }

func keys(t testing.TB) seal.Keys {
	t.Helper()
	k, err := seal.GenerateKeys(rand.Reader, "test key")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealer(t testing.TB, fingerprintKey []byte, recipients ...string) *seal.Sealer {
	t.Helper()
	s, err := seal.NewSealer(recipients, fingerprintKey, rand.Reader, clock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func opener(t testing.TB, k seal.Keys) *seal.Opener {
	t.Helper()
	o, err := seal.NewOpener("# created by a test\n\n" + k.Identity + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func sealManifest(t testing.TB, s *seal.Sealer, plain, previous []byte) []byte {
	t.Helper()
	sealed, err := s.SealManifest(plain, previous)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func parse(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in\n%.400s", err, data)
	}
	return v
}

// secret has every kind of value that is hard on the way through YAML, one of
// them of the given size.
func secret(t testing.TB, size int) []byte {
	t.Helper()
	data, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata": map[string]any{
			"annotations": map[string]any{
				"text": "two\nlines\n", "yes": "yes", "octal": "010", "null": "~", "merge": "<<", "float": "1e3",
				"blank": " x ", "tail": "a\n\n\n",
			},
			"labels":     map[string]any{"data": "SECRET-because-sops-matches-any-key"},
			"name":       "db",
			"generation": 3,
			"ratio":      0.25,
			"immutable":  true,
			"nothing":    nil,
			"finalizers": []any{"a", "b"},
		},
		"data": map[string]any{
			"password":  base64.StdEncoding.EncodeToString([]byte("SECRET-password")),
			"binary":    base64.StdEncoding.EncodeToString([]byte{0, 1, 2, 0xff}),
			"empty":     "",
			"large":     strings.Repeat("SECRET", size/6),
			"padding":   "SECRET==",
			"a:b.c/d":   "SECRET-colon",
			"lookalike": "ENC[AES256_GCM,data:SECRET,iv:x,tag:y,type:str]",
		},
		"stringData": map[string]any{
			"unicode":   "SECRET-žluťoučký 🐎",
			"multiline": "SECRET\n  indented\n\ttab\n\n",
			"crlf":      "SECRET\r\nx",
			"leading":   "\n  SECRET",
			"yes":       "yes",
			"octal":     "010",
			"number":    "12345678901234567890",
			"control":   "SECRET\x01\x7f",
			"truth":     true,
			"count":     42,
			"share":     1e-7,
			"none":      nil,
			"list":      []any{"SECRET-1", "SECRET-1", map[string]any{"deep": "SECRET"}},
		},
		"type": "Opaque",
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestManifestRoundTrip(t *testing.T) {
	k := keys(t)
	plain := secret(t, 900<<10)
	sealed := sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient), plain, nil)
	if bytes.Contains(sealed, []byte("SECRET")) ||
		bytes.Contains(sealed, []byte(base64.StdEncoding.EncodeToString([]byte("SECRET-password")))) {
		t.Errorf("a value is in clear:\n%.2000s", sealed)
	}

	if !seal.IsSealed(sealed) || seal.IsSealed(plain) {
		t.Error("IsSealed is wrong")
	}
	opened, err := opener(t, k).OpenManifest(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, plain), parse(t, opened)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// The clear part is as it was, and the keys stay in order with sops last.
	got := parse(t, sealed)
	want := parse(t, plain)
	for _, key := range []string{"apiVersion", "kind", "type"} {
		if got[key] != want[key] {
			t.Errorf("%s = %v", key, got[key])
		}
	}

	if order := regexp.MustCompile(`(?m)^[a-zA-Z]+:`).FindAllString(string(sealed), -1); strings.Join(order,
		" ") != "apiVersion: data: kind: metadata: stringData: type: sops:" {
		t.Errorf("keys in the order %v", order)
	}

	for key, value := range got["data"].(map[string]any) {
		if _, ok := value.(string); !ok {
			t.Errorf("data.%s is a %T in the sealed file, Kubernetes wants strings", key, value)
		}
	}
}

func TestUnchangedManifestKeepsItsBytes(t *testing.T) {
	k, other := keys(t), keys(t)
	plain := secret(t, 100)
	first := sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient, other.Recipient), plain, nil)

	same := map[string]*seal.Sealer{
		"after a restart":  sealer(t, k.FingerprintKey, k.Recipient, other.Recipient),
		"recipients moved": sealer(t, k.FingerprintKey, other.Recipient, k.Recipient, k.Recipient),
	}
	for name, s := range same {
		if again := sealManifest(t, s, plain, first); !bytes.Equal(again, first) {
			t.Errorf("%s: other bytes", name)
		}
	}

	changed := bytes.Replace(plain, []byte("SECRET-colon"), []byte("SECRET-other"), 1)
	relabelled := bytes.Replace(plain, []byte("name: db"), []byte("name: dc"), 1)
	s := same["after a restart"]
	for name, again := range map[string][]byte{
		"another value":      sealManifest(t, s, changed, first),
		"another clear part": sealManifest(t, s, relabelled, first),
		"fewer recipients":   sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient), plain, first),
		"other key":          sealManifest(t, sealer(t, other.FingerprintKey, k.Recipient, other.Recipient), plain, first),
		"no previous":        sealManifest(t, s, plain, nil),
		"plain previous":     sealManifest(t, s, plain, plain),
	} {
		if bytes.Equal(again, first) {
			t.Errorf("%s: the old bytes", name)
		}
		if _, err := opener(t, k).OpenManifest(again); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Whoever alters the file, in its clear part or its ciphertext, does not
	// have it kept.
	small := []byte("data:\n  a: one\nkind: Secret\n")
	first = sealManifest(t, s, small, nil)
	for i := 0; i < len(first); i += 1 + len(first)/200 {
		altered := bytes.Clone(first)
		altered[i] ^= 1
		if again := sealManifest(t, s, small, altered); bytes.Equal(again, altered) {
			t.Errorf("byte %d was altered and kept", i)
		}
	}
}

func TestEqualSecretsDoNotLookAlike(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)
	plain := []byte("data:\n  a: same\n  b: same\n")
	fingerprint := regexp.MustCompile(`hmac-sha256:[0-9a-f]{64}`)
	first, second := sealManifest(t, s, plain, nil), sealManifest(t, s, plain, nil)
	if a, b := fingerprint.Find(first), fingerprint.Find(second); a == nil || bytes.Equal(a, b) {
		t.Errorf("fingerprints %s and %s", a, b)
	}
	data := parse(t, first)["data"].(map[string]any)
	if data["a"] == data["b"] {
		t.Error("equal values have equal ciphertext")
	}
}

func TestTamperingIsNoticed(t *testing.T) {
	k := keys(t)
	plain := []byte("data:\n  a: one\n  b: two\nkind: Secret\nmetadata:\n  name: x\n")
	sealed := string(sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient), plain, nil))
	value := regexp.MustCompile(`ENC\[[^]]*\]`)
	values := value.FindAllString(sealed, -1)

	other := string(sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient), plain, nil))
	for name, altered := range map[string]string{
		"clear value":        strings.Replace(sealed, "name: x", "name: y", 1),
		"values swapped":     strings.NewReplacer(values[0], values[1], values[1], values[0]).Replace(sealed),
		"value removed":      strings.Replace(sealed, "  b: "+values[1]+"\n", "", 1),
		"value emptied":      strings.Replace(sealed, values[1], `""`, 1),
		"value in clear":     strings.Replace(sealed, values[1], "two", 1),
		"value from another": strings.Replace(sealed, values[0], value.FindString(other), 1),
		"date":               strings.Replace(sealed, "2026-11-21", "2026-11-22", 1),
		"rule":               strings.Replace(sealed, seal.EncryptedRegex, "^never$", 1),
		"type":               strings.Replace(sealed, "type:str", "type:int", 1),
		"key renamed":        strings.Replace(sealed, "  a: ENC", "  c: ENC", 1),
	} {
		opened, err := opener(t, k).OpenManifest([]byte(altered))
		if !errors.Is(err, seal.ErrTampered) && !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%s: %v\n%s", name, err, opened)
		}
		if err != nil && strings.Contains(err.Error(), "two") {
			t.Errorf("%s: the error contains a value: %v", name, err)
		}
	}
}

// The authentication code of SOPS is over values, in their order, without the keys and
// the bounds between them, and whoever knows a recipient can make one. What opens here
// is recognised by the signature of the commit that holds the file, and by nothing else.
func TestWhatSOPSDoesNotAuthenticate(t *testing.T) {
	k, stranger := keys(t), keys(t)
	plain := []byte("apiVersion: v1\ndata:\n  a: one\nkind: Secret\nmetadata:\n  name: x\n  namespace: team\n")
	sealed := string(sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient), plain, nil))
	for name, altered := range map[string]string{
		"clear key renamed": strings.Replace(sealed, "  name: x", "  nome: x", 1),
		"clear text moved":  strings.NewReplacer("name: x", "name: xte", "namespace: team", "namespace: am").Replace(sealed),
		"comment":           "# made by nobody\n" + sealed,
		"of somebody else":  string(sealManifest(t, sealer(t, stranger.FingerprintKey, k.Recipient), plain, nil)),
	} {
		if altered == sealed {
			t.Errorf("%s: nothing was altered", name)
		}
		if _, err := opener(t, k).OpenManifest([]byte(altered)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherKeysDoNotOpen(t *testing.T) {
	k, other := keys(t), keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)
	sealed := sealManifest(t, s, []byte("data:\n  a: one\n"), nil)
	_, err := opener(t, other).OpenManifest(sealed)
	if !errors.Is(err, seal.ErrNoIdentityMatch) || appbur.HintOf(err) == "" || !strings.Contains(err.Error(), k.Recipient) {
		t.Errorf("manifest: %v, want ErrNoIdentityMatch that names the recipient", err)
	}
	piece, err := s.SealPiece([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opener(t, other).OpenPiece(piece); !errors.Is(err, seal.ErrNoIdentityMatch) || appbur.HintOf(err) == "" {
		t.Errorf("piece: %v, want ErrNoIdentityMatch", err)
	}

	// Each of several recipients can open alone.
	both := sealManifest(t, sealer(t, k.FingerprintKey, k.Recipient, other.Recipient), []byte("data:\n  a: one\n"), nil)
	for _, one := range []seal.Keys{k, other} {
		if _, err := opener(t, one).OpenManifest(both); err != nil {
			t.Error(err)
		}
	}
}

func TestManifestsThatCannotBeSealed(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)

	for name, plain := range map[string]string{
		"nothing":      "",
		"empty":        "{}",
		"list":         "- a\n",
		"two":          "a: 1\n---\nb: 2\n",
		"alias":        "data: &x\n  a: SECRET\nother: *x\n",
		"number key":   "data:\n  1: SECRET\n",
		"merge key":    "data:\n  <<: {a: SECRET}\n",
		"duplicate":    "data:\n  a: SECRET\n  a: SECRET\n",
		"sealed":       "data:\n  a: SECRET\nsops:\n  mac: x\n",
		"time":         "data:\n  a: 2026-01-01\n",
		"binary":       "data:\n  a: !!binary U0VDUkVU\n",
		"large number": "data:\n  a: 18446744073709551615\n",
		"no YAML":      "data: [SECRET\n",
	} {
		sealed, err := s.SealManifest([]byte(plain), nil)
		if err == nil {
			t.Errorf("%s: sealed as\n%s", name, sealed)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error contains a value: %v", name, err)
		}
	}

	sealed := sealManifest(t, s, []byte("data:\n  a: one # SECRET\n# SECRET\nkind: Secret\n"), nil)
	if bytes.Contains(sealed, []byte("SECRET")) {
		t.Errorf("a comment is in clear:\n%s", sealed)
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	k := keys(t)
	for name, err := range map[string]error{
		"no recipients":  second(seal.NewSealer(nil, k.FingerprintKey, rand.Reader, clock)),
		"bad recipient":  second(seal.NewSealer([]string{"age1x"}, k.FingerprintKey, rand.Reader, clock)),
		"identity":       second(seal.NewSealer([]string{k.Identity + "x"}, k.FingerprintKey, rand.Reader, clock)),
		"no identity":    second(seal.NewOpener("# nothing\n")),
		"public key":     second(seal.NewOpener(k.Recipient)),
		"no signing key": second(seal.NewSigner([]byte("x"))),
	} {
		if err == nil || appbur.HintOf(err) == "" {
			t.Errorf("%s: %v, want an error with a hint", name, err)
		}
	}

	if _, err := seal.NewSealer([]string{k.Recipient}, []byte("short"), rand.Reader, clock); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("short fingerprint key: %v", err)
	}
	if _, err := seal.NewOpener("AGE-SECRET-KEY-1TYPO"); err == nil || strings.Contains(err.Error(), "TYPO") {
		t.Errorf("the error tells the private key: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestSealedPiecesOpen(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)
	o := opener(t, k)

	for name, plain := range map[string][]byte{
		"empty": {}, "rows": []byte("{\"id\":1}\n{\"id\":2}\n"), "binary": {0, 0xff, '\n'}, "large": bytes.Repeat([]byte("SECRET\n"), 150_000),
	} {
		sealed, err := s.SealPiece(plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := o.OpenPiece(sealed)
		if err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("%s: %v, %d bytes, want %d", name, err, len(opened), len(plain))
		}
		if !seal.IsSealed(sealed) || bytes.Contains(sealed, []byte("SECRET")) {
			t.Errorf("%s: not sealed", name)
		}
		again, err := sealer(t, k.FingerprintKey, k.Recipient).SealPiece(plain, sealed)
		if err != nil || !bytes.Equal(again, sealed) {
			t.Errorf("%s: other bytes for the same piece: %v", name, err)
		}
		again, err = s.SealPiece(append(bytes.Clone(plain), 'x'), sealed)
		if err != nil || bytes.Equal(again, sealed) {
			t.Errorf("%s: the same bytes for another piece: %v", name, err)
		}
		altered := bytes.Clone(sealed)
		altered[len(altered)-1] ^= 1
		if _, err := o.OpenPiece(altered); !errors.Is(err, seal.ErrTampered) {
			t.Errorf("%s: altered: %v", name, err)
		}
		if again, err := s.SealPiece(plain, altered); err != nil || bytes.Equal(again, altered) {
			t.Errorf("%s: an altered piece was kept: %v", name, err)
		}
		if _, err := o.OpenPiece(sealed[:20]); !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%s: cut off: %v", name, err)
		}
	}
}

// Whatever text is a secret, it comes back, and nothing of it is in the file.
func TestAnyTextRoundTrips(t *testing.T) {
	k := keys(t)
	s, o := sealer(t, k.FingerprintKey, k.Recipient), opener(t, k)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		plain, err := yaml.Marshal(map[string]any{
			"data":     rapid.MapOf(text, text).Draw(t, "data"),
			"metadata": rapid.MapOf(text, text).Draw(t, "metadata"),
		})
		if err != nil {
			t.Fatal(err)
		}
		var want, got map[string]any
		if err := yaml.Unmarshal(plain, &want); err != nil {
			return // the test's own encoder cannot write it
		}

		sealed, err := s.SealManifest(plain, nil)
		if err != nil {
			t.Fatalf("%v:\n%s", err, plain)
		}
		opened, err := o.OpenManifest(sealed)
		if err != nil {
			t.Fatalf("%v:\n%s", err, sealed)
		}
		if err := yaml.Unmarshal(opened, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// A mark is the same from everybody who holds the key, differs with the key, the
// domain and the text, and shows nothing of the text.
func TestMarksDependOnKeyDomainAndText(t *testing.T) {
	k := keys(t)
	mark := sealer(t, k.FingerprintKey, k.Recipient).Mark("a", []byte("alice@example.com"))
	if mark != sealer(t, k.FingerprintKey, keys(t).Recipient).Mark("a", []byte("alice@example.com")) || len(mark) != 32 {
		t.Errorf("the mark is %q", mark)
	}
	same := sealer(t, k.FingerprintKey, k.Recipient)
	for name, other := range map[string]string{
		"another key":        sealer(t, make([]byte, seal.FingerprintKeySize), k.Recipient).Mark("a", []byte("alice@example.com")),
		"another domain":     same.Mark("b", []byte("alice@example.com")),
		"another text":       same.Mark("a", []byte("bob@example.com")),
		"text in the domain": same.Mark("aalice", []byte("@example.com")),
	} {
		if other == mark {
			t.Errorf("%s, same mark", name)
		}
	}
}
