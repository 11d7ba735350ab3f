package pack

import (
	"bytes"
	"testing"
)

// A pack from a stranger is an error or sound, and never a panic.
func FuzzReceivedPack(f *testing.F) {
	var whole bytes.Buffer
	blob, err := NewObject(3, []byte("hello"))
	if err != nil {
		f.Fatal(err)
	}
	whole.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x01")
	whole.Write(EntryHeader(blob.Kind, len("hello")))
	whole.Write(blob.Zlib)
	sum := NewChecksum()
	sum.Write(whole.Bytes())
	whole.Write(sum.Sum(nil))
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:20])
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00"))

	f.Fuzz(func(t *testing.T, data []byte) {
		x := NewReceiver(t.TempDir(), nil)
		if x.Receive(bytes.NewReader(data)) != nil {
			return
		}
		if err := x.Finish(t.Context(), nil); err == nil && len(x.Objects) != 0 {
			for _, o := range x.Objects {
				if o.ID.IsZero() {
					t.Error("an object without an id")
				}
			}
		}
	})
}

func TestDistancesReadBack(t *testing.T) {
	for _, distance := range []int64{1, 127, 128, 129, 16511, 16512, 1 << 20, 1 << 40} {
		got, err := ReadBaseDistance(bytes.NewReader(appendBaseDistance(nil, distance)))
		if err != nil || got != distance {
			t.Errorf("%d came back as %d, %v", distance, got, err)
		}
	}
}
