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
		`{"a":01}`, `{"a":-0}`, `{"a":"\u0041"}`, `{"a":"\u0001"}`, `{"a":"\/"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", `{"\n":1}`, `{"a":"12345678\t12345678"}`,
		`{"long name of a member":"a long text without anything special in it, and an é"}`, `{"a":[]}`, `{"a":[1,]}`, `{"a":tru}`, `{"a":`, `[`, ``,
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
