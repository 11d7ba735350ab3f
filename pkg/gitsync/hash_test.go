package gitsync_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

func TestParseHash(t *testing.T) {
	good := "0123456789abcdef0123456789abcdef01234567"
	for text, ok := range map[string]bool{
		good:                  true,
		"":                    false,
		good[1:]:              false,
		good + "0":            false,
		strings.ToUpper(good): false,
		"x" + good[1:]:        false,
		good[:39] + "\n":      false,
	} {
		h, err := gitsync.ParseHash(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if ok && (h.String() != text || h.Short() != text[:12] || h.IsZero()) {
			t.Errorf("%q came back as %s, %s", text, h, h.Short())
		}
	}
}

// As JSON, a hash is its digits, a null one is empty or left out, and it can be a key.
func TestHashAsText(t *testing.T) {
	type record struct {
		Commit gitsync.Hash          `json:"commit"`
		Tag    gitsync.Hash          `json:"tag,omitzero"`
		Ages   map[gitsync.Hash]bool `json:"ages"`
	}
	for _, r := range []record{{}, {Commit: gitsync.Hash{1}, Ages: map[gitsync.Hash]bool{{0xab}: true}}} {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back record
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); string(again) != string(data) || strings.Contains(string(data), "tag") {
			t.Errorf("%s came back as %s", data, again)
		}
	}

	var r record
	if err := json.Unmarshal([]byte(`{"commit":"abc"}`), &r); err == nil {
		t.Error("three digits are an object name")
	}
	if (gitsync.Hash{}).Short() != "" {
		t.Error("the null object name is shown to people")
	}
}
