package appbur_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func TestDigestRoundTrip(t *testing.T) {
	d := appbur.DigestOf([]byte("hello\n"))
	// The same value as `printf 'hello\n' | sha256sum`.
	const want = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
	if d.String() != want {
		t.Fatalf("digest = %s, want %s", d, want)
	}
	encoded, err := json.Marshal(map[appbur.Digest]appbur.Digest{d: d})
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[appbur.Digest]appbur.Digest
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	if decoded[d] != d {
		t.Errorf("%s did not survive JSON", d)
	}
}

func TestParseDigestRefuses(t *testing.T) {
	good := strings.Repeat("ab", 32)
	for _, text := range []string{
		"", good, "md5:" + good, "sha256:" + good[2:], "sha256:" + good + "00", "sha256:" + strings.ToUpper(good),
		"sha256:" + strings.Repeat("zz", 32),
	} {
		if _, err := appbur.ParseDigest(text); err == nil {
			t.Errorf("ParseDigest(%q) was accepted", text)
		}
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add(appbur.DigestOf(nil).String())
	f.Add("sha256:00")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := appbur.ParseDigest(text)
		if err == nil && d.String() != text {
			t.Errorf("%q parsed and printed is %q", text, d)
		}
	})
}
