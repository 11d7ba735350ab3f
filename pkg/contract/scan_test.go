package contract

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzScan holds the fast check against the slow one: what it accepts is already
// as Canonical would write it.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":1,"b":[true,false,null,{"c":"d"}],"e":"\n\"\\é"}`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a": 1}`, `{"a":1.50}`,
		`{"a":01}`, `{"a":-0}`, `{"a":"\u0041"}`, `{"a":"\u0001"}`, `{"a":"\/"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", `{"\n":1}`,
		`{"a":"12345678\t12345678"}`,
		`{"long name of a member":"a long text without anything special in it, and an é"}`, `{"a":[]}`, `{"a":[1,]}`, `{"a":tru}`, `{"a":`, `[`,
		``,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, row []byte) {
		if !isCanonical(row) {
			return
		}
		c := canonicalizer{src: row}
		want, err := c.value(nil, 0)
		if err != nil || c.pos != len(row) || !bytes.Equal(want, row) {
			t.Errorf("%q is said to be canonical; canonical is %q, %v", row, want, err)
		}
	})
}

func TestScanSeesCommonRows(t *testing.T) {
	for _, row := range []string{
		`{}`, `{"a":1,"b":[true,false,null,{"c":"d"}],"e":"\n\"\\é"}`, `{"a":"` + strings.Repeat("x", 100) + `","b":-12}`, `{"a":[[],{}]}`,
	} {
		if !isCanonical([]byte(row)) {
			t.Errorf("%s is not seen", row)
		}
	}
	deep := `{"a":` + strings.Repeat("[", deepest) + strings.Repeat("]", deepest) + `}`
	if isCanonical([]byte(deep)) != func() bool { _, err := Canonical(Row(deep)); return err == nil }() {
		t.Error("the depth limits differ")
	}
}

// FuzzPlainText holds the search in words and blocks against one byte after the other.
func FuzzPlainText(f *testing.F) {
	for _, tail := range []string{"", `"`, `\`, "\x1f", "\x7f", "é", "é\"", "\x00", "\xa0\x1f"} {
		for _, length := range []int{0, 7, 8, shortText - 1, shortText, shortText + 1, textBlock, textBlock + shortText + 5} {
			f.Add([]byte(strings.Repeat("x", length)+tail), uint16(length/2), byte('y'))
			f.Add([]byte(strings.Repeat("x", length)+tail+"more"), uint16(length/2), byte(' '))
		}
	}

	f.Fuzz(func(t *testing.T, text []byte, at uint16, b byte) {
		if int(at) < len(text) {
			text[at] = b
		}
		want, wantASCII := len(text), true
		for i, b := range text {
			if b == '"' || b == '\\' || b < ' ' {
				want = i
				break
			}
			wantASCII = wantASCII && b < 0x80
		}
		if n, ascii := plainText(text); n != want || ascii != wantASCII {
			t.Errorf("%q: %d bytes, ASCII %t; want %d, %t", text, n, ascii, want, wantASCII)
		}
	})
}
