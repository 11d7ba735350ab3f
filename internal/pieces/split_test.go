package pieces

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

// split cuts a payload that comes in writes of different sizes.
func split(t interface{ Fatal(...any) }, s Splitter, payload []byte, step int) []Piece {
	var pieces []Piece
	emit := func(p Piece) error {
		pieces = append(pieces, p)
		return nil
	}
	for chunk := range slices.Chunk(payload, step) {
		if err := s.Split(chunk, emit); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(emit); err != nil {
		t.Fatal(err)
	}
	return pieces
}

func rowsOf(t interface{ Fatal(...any) }, layout appbur.Layout, payload []byte, step int) []Piece {
	s, err := newRowSplitter(layout, []string{"id"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return split(t, s, payload, step)
}

func join(pieces []Piece) []byte {
	var b bytes.Buffer
	for _, p := range pieces {
		b.Write(p.Data)
	}
	return b.Bytes()
}

// Layouts that are small, so that short payloads have many pieces.
var (
	smallRows    = appbur.Layout{Method: appbur.LayoutKey, Least: 256, Greatest: 1792}
	smallContent = appbur.Layout{Method: appbur.LayoutContent, Least: 256, Greatest: 4096}
)

func TestRowPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		largest := 0
		for i := range rapid.IntRange(0, 200).Draw(t, "rows") {
			row := fmt.Sprintf(`{"id":%d,"text":"%s"}`+"\n", i,
				strings.Repeat("x", rapid.OneOf(rapid.IntRange(0, 60), rapid.IntRange(0, 4000)).Draw(t, "length")))
			largest = max(largest, len(row))
			b.WriteString(row)
		}

		if rapid.Bool().Draw(t, "unterminated") {
			b.WriteString(`{"id":999999}`)
		}
		payload := b.Bytes()
		pieces := rowsOf(t, smallRows, payload, rapid.IntRange(1, 5000).Draw(t, "step"))
		if !bytes.Equal(join(pieces), payload) {
			t.Fatal("the pieces do not join to the payload")
		}
		again := rowsOf(t, smallRows, payload, len(payload)+1)

		for i, p := range pieces {
			if !bytes.Equal(p.Data, again[i].Data) {
				t.Fatal("how the bytes arrive changes the pieces")
			}
			if len(p.Data) == 0 || len(p.Data) > max(smallRows.Greatest, largest) {
				t.Fatalf("piece %d has %d bytes", i, len(p.Data))
			}
			if i < len(pieces)-1 && p.Data[len(p.Data)-1] != '\n' {
				t.Fatalf("piece %d ends inside a row", i)
			}
			if want, ok := (KeyFields{[][]byte{[]byte(`"id"`)}}).AppendKey(nil, p.Data); !ok || !bytes.Equal(p.Start, want) || !p.Keyed {
				t.Fatalf("piece %d says that it begins with %s", i, p.Start)
			}
		}
	})
}

func newBytes(n int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

func TestContentPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := newBytes(rapid.IntRange(0, 60_000).Draw(t, "size"), rapid.Uint64().Draw(t, "seed"))
		if rapid.Bool().Draw(t, "zeros") {
			clear(payload)
		}
		pieces := split(t, newContentSplitter(smallContent, 0), payload, rapid.IntRange(1, 70_000).Draw(t, "step"))
		if !bytes.Equal(join(pieces), payload) {
			t.Fatal("the pieces do not join to the payload")
		}
		for i, p := range pieces {
			if n := len(p.Data); n > smallContent.Greatest || i < len(pieces)-1 && n < smallContent.Least {
				t.Fatalf("piece %d has %d bytes", i, n)
			}
		}
	})
}

// tableOf are rows by id, without some of them.
func tableOf(rows int, without ...int) []byte {
	random := rand.New(rand.NewPCG(5, uint64(rows)))
	var b bytes.Buffer
	for id := range rows {
		text := strings.Repeat(fmt.Sprintf("%x ", random.Uint64()), 2+random.IntN(6))
		if !slices.Contains(without, id) {
			fmt.Fprintf(&b, `{"id":%d,"text":"%s"}`+"\n", id, text)
		}
	}
	return b.Bytes()
}

// shared is how many of the new pieces the old payload has, too.
func shared(old, current []Piece) int {
	known := map[string]bool{}
	for _, p := range old {
		known[string(p.Data)] = true
	}
	n := 0
	for _, p := range current {
		if known[string(p.Data)] {
			n++
		}
	}
	return n
}

func starts(pieces []Piece) (list []string) {
	for _, p := range pieces {
		list = append(list, string(p.Start))
	}
	return list
}

// An insertion changes the pieces around it and no others.
func TestCutsForgetAnInsertion(t *testing.T) {
	before := rowsOf(t, smallRows, tableOf(4000), 1000)
	if len(before) < 300 {
		t.Fatalf("only %d pieces: the test shows nothing", len(before))
	}
	after := rowsOf(t, smallRows, tableOf(4000, 1000, 2000), 1000)
	if changed := len(after) - shared(before, after); changed > 12 {
		t.Errorf("rows: %d of %d pieces changed for two rows", changed, len(after))
	}

	data := newBytes(400_000, 7)
	old := split(t, newContentSplitter(smallContent, 0), data, 1000)
	if len(old) < 200 {
		t.Fatalf("only %d pieces: the test shows nothing", len(old))
	}
	inserted := split(t, newContentSplitter(smallContent, 0), slices.Concat(data[:1000], []byte("inserted"), data[1000:]), 1000)
	if changed := len(inserted) - shared(old, inserted); changed > 6 {
		t.Errorf("content: %d of %d pieces changed for 8 bytes", changed, len(inserted))
	}
	if average := len(data) / len(old); average < smallContent.Greatest/8 || average > smallContent.Greatest/2 {
		t.Errorf("content: pieces have %d bytes on average", average)
	}
}

// Values do not move cuts as long as rows keep their sizes.
func TestCutsDependOnKeysAlone(t *testing.T) {
	payload := func(mark string) []byte {
		var b bytes.Buffer
		for i := range 4000 {
			fmt.Fprintf(&b, `{"id":%d,"text":"%s %d"}`+"\n", i, mark, i*7919%1000+1000)
		}
		return b.Bytes()
	}
	before, after := rowsOf(t, smallRows, payload("old"), 1000), rowsOf(t, smallRows, payload("new"), 1000)
	if !slices.Equal(starts(before), starts(after)) {
		t.Error("other values, other cuts")
	}
}

// The layouts are promises: the same payload is cut the same way by every release.
func TestLayoutsDoNotChange(t *testing.T) {
	digest := func(pieces []Piece) string {
		var b strings.Builder
		for _, p := range pieces {
			fmt.Fprintln(&b, len(p.Data))
		}
		return appbur.DigestOf([]byte(b.String())).Short()
	}

	var rows bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&rows, `{"id":%d,"text":"%d"}`+"\n", i, i*i)
	}

	for name, got := range map[string]string{
		"key-hash/1 9bbc541affcf": digest(rowsOf(t, smallRows, rows.Bytes(), 1000)),
		"content/1 874dd4314941":  digest(split(t, newContentSplitter(smallContent, 0), newBytes(200_000, 3), 1000)),
	} {
		if want := name[strings.IndexByte(name, ' ')+1:]; got != want {
			t.Errorf("%s: the cuts have digest %s", name, got)
		}
	}
}

// With another seed the same payload is cut elsewhere.
func TestSeedMovesCuts(t *testing.T) {
	payload := tableOf(2000)
	plain := rowsOf(t, smallRows, payload, 1000)
	splitter, err := newRowSplitter(smallRows, []string{"id"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	seeded := split(t, splitter, payload, 1000)
	if n := shared(plain, seeded); n > len(plain)/10 {
		t.Errorf("rows: %d of %d pieces are the same", n, len(plain))
	}
	bytesOf := newBytes(200_000, 3)
	plain, seeded = split(t, newContentSplitter(smallContent, 0), bytesOf, 1000), split(t, newContentSplitter(smallContent, 7), bytesOf, 1000)
	if n := shared(plain, seeded); n > len(plain)/10 {
		t.Errorf("content: %d of %d pieces are the same", n, len(plain))
	}
}

// The fields of a key may have any name.
func TestKeyFieldsWithStrangeNames(t *testing.T) {
	for field, row := range map[string]string{"a<b>&": `{"a<b>&":1}`, `quo"te`: `{"quo\"te":1}`, "é": `{"é":1}`, "": `{"":1}`} {
		fields, err := NewKeyFields([]string{field})
		if err != nil {
			t.Fatal(err)
		}
		if key, ok := fields.AppendKey(nil, []byte(row)); !ok || string(key) != "1" {
			t.Errorf("%s: %q, %v", row, key, ok)
		}
	}
}

// Names of pieces sort as keys do, are safe everywhere, and differ when keys differ.
func TestKeyNames(t *testing.T) {
	safe := func(name string) bool {
		return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789+,-_~") == "" && len(name) < 80 && name[0] != '-'
	}

	value := rapid.OneOf(
		rapid.Map(rapid.IntRange(-2000, 2000), func(n int) any { return n }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.IntRange(-9999, 9999), func(n int) any { return float64(n) / 64 }),
		rapid.Map(rapid.StringN(0, 6, 12), func(s string) any { return strings.ToValidUTF8(s, "") }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "ab", "a-b", "A", "Z", "z", "con", "..", "/", "a/b", "é", "_", "~"}),
			func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	)

	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.IntRange(1, 2).Draw(t, "parts")
		key := func() []byte {
			var text []byte
			for i := range parts {
				encoded, err := json.Marshal(value.Draw(t, "value"))
				if err != nil {
					t.Fatal(err)
				}
				if i > 0 {
					text = append(text, keySeparator)
				}
				text = append(text, encoded...)
			}
			return text
		}
		a, b := key(), key()
		x, y := keyName(a), keyName(b)
		if !safe(x) {
			t.Fatalf("%s has the name %q", a, x)
		}
		order := ParseKey(a).Compare(ParseKey(b))
		if order == 0 != (x == y) || order < 0 != (x < y) && order != 0 {
			t.Fatalf("%s and %s compare as %d, their names are %q and %q", a, b, order, x, y)
		}
	})
}

func TestKeyNamesAreReadable(t *testing.T) {
	for key, want := range map[string]string{
		`7`: "nb7", `1200`: "ne1200", `-12`: "mx87~", `0`: "n", `0.25`: "na-25", `12.5`: "nc12-5", `true`: "a1",
		`"alice"`: "salice", `"Team A"`: "s_54eam-20_41", `"a"` + "\x1f" + `2`: "sa+nb2",
	} {
		if got, _, _ := strings.Cut(keyName([]byte(key)), ","); got != want {
			t.Errorf("%s is named %s, want %s", key, got, want)
		}
	}
	long := keyName([]byte(`"` + strings.Repeat("x", 5000) + `"`))
	if other := keyName([]byte(`"` + strings.Repeat("x", 5001) + `"`)); len(long) > 80 || long == other {
		t.Errorf("long keys are named %s and %s", long, other)
	}
}

// What the scanner says of valid JSON is what encoding/json says; nothing makes it
// fail.
func FuzzMemberOf(f *testing.F) {
	for _, seed := range []string{
		`{"id":1}`, `{"a":{"id":2},"id":"x\"}"}`, ` { "id" : [1, {"id":3}] , "b":null}`, `{"id"`, `{"id":}`, `[]`,
		`{"\u0069d":1}`, `{"id":1,"id":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		value, ok := memberOf(row, []byte(`"id"`))
		var want map[string]json.RawMessage
		if json.Unmarshal(row, &want) != nil || bytes.Count(row, []byte("id")) > 1 || bytes.Contains(row, []byte(`\`)) {
			return
		}
		if want["id"] == nil != !ok || ok && !bytes.Equal(bytes.TrimSpace(want["id"]), value) {
			t.Errorf("%s: %q, %v; want %q", row, value, ok, want["id"])
		}
		ParseKey(value)
		keyName(value)
	})
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{`1`, `-0.5e10`, `"x"`, `true`, `null`, `1e999999999999`, ``, "\"a\"\x1f2", `{}`} {
		f.Add([]byte(seed), []byte(`7`))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := ParseKey(a), ParseKey(b)
		if x.Compare(y) != -y.Compare(x) || x.Compare(x) != 0 {
			t.Errorf("%q and %q have no order", a, b)
		}
		if len(keyName(a)) > 80 {
			t.Errorf("%q has the name %s", a, keyName(a))
		}
	})
}
