package jsonrows_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/jsonrows"
)

type stamp struct {
	Created time.Time `json:"created"`
	hidden  int
}

type note struct {
	ID   int8   `json:"id"`
	Text string `json:"text,omitempty"`
	stamp
	*Tags   `json:"tags"`
	Skipped chan int `json:"-"`
	Plain   bool
	secret  string
}

// Tags is embedded under a name.
type Tags struct {
	All map[string]string `json:"all"`
}

func Example() {
	type Note struct {
		ID   int    `json:"id"`
		Text string `json:"text"`
	}
	codec, err := jsonrows.New[Note]()
	if err != nil {
		panic(err)
	}
	row, err := codec.Row(Note{ID: 1, Text: "buy milk"})
	fmt.Println(codec.Fields(), string(row), err)
	_, err = codec.Value([]byte(`{"id":2,"text":"x","color":"red"}`))
	fmt.Println(err)
	// Output:
	// [id text] {"id":1,"text":"buy milk"} <nil>
	// it has the field "color", which is not known
}

func TestFields(t *testing.T) {
	codec, err := jsonrows.New[note]()
	if err != nil {
		t.Fatal(err)
	}
	if got := codec.Fields(); !slices.Equal(got, []string{"id", "text", "created", "tags", "Plain"}) {
		t.Errorf("fields %q", got)
	}
	if _, err := jsonrows.New[*note](); err != nil {
		t.Error(err)
	}

	// What is written is what was listed, and reads back.
	n := note{ID: 7, Text: "x", Tags: &Tags{All: map[string]string{"a": "b"}}, Plain: true, secret: "s"}
	n.Created, n.hidden = time.Unix(5, 0).UTC(), 1
	row, err := codec.Row(n)
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.Value(row)
	if err != nil || back.ID != 7 || back.All["a"] != "b" || !back.Created.Equal(n.Created) {
		t.Errorf("%s became %+v, %v", row, back, err)
	}
}

func TestTypesThatAreRefused(t *testing.T) {
	if _, err := jsonrows.New[map[string]int](); err == nil {
		t.Error("a map")
	}
	if _, err := jsonrows.New[struct {
		Tags
		Other string `json:"all"`
	}](); err == nil {
		t.Error("two fields of one name")
	}
}

func TestReadingIsStrictAndDiscreet(t *testing.T) {
	codec, err := jsonrows.New[note]()
	if err != nil {
		t.Fatal(err)
	}

	const canary = "424242"
	for name, row := range map[string]string{
		"another case":          `{"ID":1}`,
		"an unknown field":      `{"id":1,"more":` + canary + `}`,
		"an unknown inner":      `{"tags":{"all":{},"more":"` + canary + `"}}`,
		"a number too large":    `{"id":` + canary + `}`,
		"text for a number":     `{"id":"` + canary + `"}`,
		"a time that is none":   `{"created":"` + canary + `"}`,
		"a list":                `["` + canary + `"]`,
		"something else":        `"` + canary + `"`,
		"not even JSON":         canary + `{`,
		"a number where a text": `{"text":` + canary + `}`,
	} {
		if _, err := codec.Value([]byte(row)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSequencesEndAtTheFirstError(t *testing.T) {
	codec, err := jsonrows.New[note]()
	if err != nil {
		t.Fatal(err)
	}

	rows := func(yield func(contract.Row, error) bool) {
		for _, row := range []string{`{"id":1}`, `{"id":"x"}`, `{"id":3}`} {
			if !yield([]byte(row), nil) {
				return
			}
		}
	}

	var got []error
	for _, err := range codec.Values("notes", rows) {
		got = append(got, err)
	}
	var e *contract.Error
	if len(got) != 2 || got[0] != nil || !errors.As(got[1], &e) || e.Reason != contract.ReasonPayloadInvalid || e.Metadata["row"] != "2" {
		t.Errorf("got %v", got)
	}
	lost := errors.New("lost")

	n := 0
	for _, err := range codec.Rows(func(yield func(note, error) bool) { _ = yield(note{}, nil) && yield(note{}, lost) }) {
		n++
		if n == 2 && !errors.Is(err, lost) {
			t.Errorf("got %v", err)
		}
	}

	if n != 2 {
		t.Errorf("%d rows", n)
	}
}

func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"id":1,"text":"x","created":"2026-01-01T00:00:00Z","tags":{"all":{"a":"b"}},"Plain":true}`))
	f.Add([]byte(`{"ID":1}`))
	codec, err := jsonrows.New[note]()
	if err != nil {
		f.Fatal(err)
	}

	f.Fuzz(func(t *testing.T, in []byte) {
		record, err := codec.Value(in)
		if err != nil {
			return
		}
		row, err := codec.Row(record)
		if err != nil {
			return // a time past the year 9999
		}
		if _, err := codec.Value(row); err != nil {
			t.Errorf("%s became %s: %v", in, row, err)
		}
	})
}
