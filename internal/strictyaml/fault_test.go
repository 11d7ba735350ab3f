package strictyaml

import (
	"errors"
	"regexp"
	"testing"
	"time"
)

// settings has a setting of every type that configurations use.
type settings struct {
	Name  string            `yaml:"name"`
	Count int               `yaml:"count"`
	Share float64           `yaml:"share"`
	On    *bool             `yaml:"on"`
	Wait  time.Duration     `yaml:"wait"`
	List  []string          `yaml:"list"`
	Set   map[string]string `yaml:"set"`
	Inner struct {
		Depth uint8 `yaml:"depth"`
	} `yaml:"inner"`
}

func decode(text []byte) error { return Decode(text, &settings{}) }

func TestFaultsAreNamedInTermsOfYAML(t *testing.T) {
	for text, want := range map[string]string{
		"colour: red":            "line 1: there is no setting colour",
		"name: [a]":              "line 1: a list stands where a text is wanted",
		"count: many":            "line 1: `many` stands where a whole number is wanted",
		"share: {}":              "line 1: a mapping stands where a number is wanted",
		"on: maybe":              "line 1: `maybe` stands where true or false is wanted",
		"wait: soon":             "line 1: `soon` stands where a length of time such as 15m is wanted",
		"list: a":                "line 1: `a` stands where a list is wanted",
		"set: [a]":               "line 1: a list stands where a mapping of settings is wanted",
		"\ninner: {depth: 300}":  "line 2: `300` stands where a whole number is wanted",
		"count: 1.9":             "line 1: `1.9` stands where a whole number is wanted",
		"\ninner: {depth: 0.5}":  "line 2: `0.5` stands where a whole number is wanted",
		"inner: x\non: 5":        "line 1: `x` stands where a mapping of settings is wanted; line 2: `5` stands where true or false is wanted",
		"!own x":                 "line 1: `x` stands where a mapping of settings is wanted",
		"nonsense":               "line 1: `nonsense` stands where a mapping of settings is wanted",
		"name: a\n---\ncount: 2": "there is a second document in the file",
		"":                       "the file is empty",
		"a: b: c":                "mapping values are not allowed in this context",
		"name: a\nname: b":       `line 2: mapping key "name" already defined at line 1`,
	} {
		if err := decode([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}

	other := errors.New("yaml is not to blame")
	if got := Plain(other); !errors.Is(got, other) || got.Error() != other.Error() || Plain(nil) != nil {
		t.Error("what is no fault of YAML was changed")
	}
}

// goWords are what no message may hold.
var goWords = regexp.MustCompile(`unmarshal|in type |\binto \[?\]?[a-z]|!!`)

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"name: [a]", "a: b: c", "? x", "inner: x", "list: {a: 1}", "count: !!str 5", "on: `a`\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if goWords.Match(text) {
			return // it may be quoted
		}
		if err := decode(text); err != nil && goWords.MatchString(err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
