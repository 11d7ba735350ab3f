package pack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

func FuzzDelta(f *testing.F) {
	text := []byte(strings.Repeat("one line of many\n", 20))
	f.Add(text, append(bytes.Clone(text[:100]), text[150:]...))
	f.Add(text, []byte("nothing alike"))
	f.Add([]byte{}, text)
	f.Add(bytes.Repeat([]byte{0}, 200_000), bytes.Repeat([]byte{0}, 150_000))

	f.Fuzz(func(t *testing.T, base, target []byte) {
		b := DeltaBase{Data: base}
		delta := b.Encode(target, 1<<30)
		if delta == nil {
			if len(base) >= deltaBlock {
				t.Fatal("no delta although anything may be as long as it likes")
			}
			return
		}
		got, err := packfile.PatchDelta(base, delta)
		// An empty target is a delta that go-git does not take; it is never asked for.
		if len(target) > 0 && (err != nil || !bytes.Equal(got, target)) {
			t.Fatalf("patched: %v, equal: %v", err, bytes.Equal(got, target))
		}
		if short := b.Encode(target, len(delta)-1); short != nil {
			t.Fatalf("%d bytes although the limit is %d", len(short), len(delta)-1)
		}
	})
}

// What a change costs depends on the change and not on the file.
func TestDeltaIsSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}

	var rows bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&rows, "{\"id\":%d,\"name\":\"row %d\",\"value\":\"%x\"}\n", i, i, random.Uint64())
	}

	big := noise(1 << 20)
	for name, c := range map[string]struct {
		base, target []byte
		most         int
	}{
		"same":              {big, big, 100},
		"one byte":          {big, append(append(bytes.Clone(big[:5000]), 'x'), big[5001:]...), 110},
		"two places":        {big, bytes.Join([][]byte{big[:5000], big[5100:900_000], []byte("new"), big[900_000:]}, nil), 150},
		"appended":          {rows.Bytes(), append(bytes.Clone(rows.Bytes()), "{\"id\":20000}\n"...), 150},
		"moved":             {big, append(bytes.Clone(big[500_000:]), big[:500_000]...), 150},
		"one row in twenty": {rows.Bytes(), bytes.ReplaceAll(rows.Bytes(), []byte("7,\"name\""), []byte("7,\"NAME\"")), rows.Len() / 3},
		"zeros":             {make([]byte, 100_000), append(noise(100), make([]byte, 90_000)...), 200},
	} {
		b := DeltaBase{Data: c.base}
		delta := b.Encode(c.target, len(c.target))
		if delta == nil || len(delta) > c.most {
			t.Errorf("%s: %d bytes, want at most %d", name, len(delta), c.most)
		}
		got, err := packfile.PatchDelta(c.base, delta)
		if err != nil || !bytes.Equal(got, c.target) {
			t.Errorf("%s: the delta makes something else: %v", name, err)
		}
	}

	b := DeltaBase{Data: big}
	if delta := b.Encode(noise(1<<20), 1<<19); delta != nil {
		t.Errorf("noise has a delta of %d bytes", len(delta))
	}
}
