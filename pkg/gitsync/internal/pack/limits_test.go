package pack

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// handPack is a pack of one object and deltas, each on the one before, all made from
// bytes that claim what they like.
func handPack(t testing.TB, root []byte, deltas ...[]byte) []byte {
	t.Helper()
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(1+len(deltas)))
	before := 0
	for i, data := range append([][]byte{root}, deltas...) {
		o, err := NewObject(plumbing.BlobObject, data)
		if err != nil {
			t.Fatal(err)
		}
		at := len(out)
		if i == 0 {
			out = append(out, EntryHeader(plumbing.BlobObject, len(data))...)
		} else {
			out = appendBaseDistance(append(out, EntryHeader(plumbing.OFSDeltaObject, len(data))...), int64(at-before))
		}
		out, before = append(out, o.Zlib...), at
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// growing is a delta that makes size bytes out of a base, by copying its first byte or
// by claiming so.
func growing(base, size, copies int) []byte {
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(base)), uint64(size))
	for range copies {
		delta = append(delta, 0x90|0x01, 0, 1) // offset 0, one byte
	}
	return delta
}

func takePack(t testing.TB, data []byte, limits object.Limits) (*Receiver, error) {
	t.Helper()
	x := NewReceiver(t.TempDir(), nil)
	x.limits = limits
	err := x.Receive(bytes.NewReader(data))
	if err == nil {
		err = x.Finish(t.Context(), nil)
	}
	return x, err
}

func TestDeltasThatGrow(t *testing.T) {
	const mega = 1 << 20
	chain := func(n int) (deltas [][]byte) {
		for i := range n {
			// Each is another object: the last byte is its number.
			deltas = append(deltas, append(append(binary.AppendUvarint(binary.AppendUvarint(nil, mega), mega), bytes.Repeat([]byte{0x80}, 15)...),
				0xb0, 0xfd, 0xff, 3, byte(i>>8), byte(i), 1))
		}
		return deltas
	}
	short := object.DefaultLimits
	short.Depth = 10
	links := 300
	if testing.Short() {
		links = 30
	}

	for name, c := range map[string]struct {
		pack   []byte
		limits object.Limits
		want   error
	}{
		"claims a gigabyte": {handPack(t, []byte("x"), growing(1, 1<<30, 0)), object.DefaultLimits, object.ErrTooLarge},
		"claims the most":   {handPack(t, []byte("x"), binary.AppendUvarint([]byte{1}, 1<<64-1)), object.DefaultLimits, object.ErrTooLarge},
		"a long chain":      {handPack(t, make([]byte, mega), chain(links)...), object.DefaultLimits, nil},
		"too long a chain":  {handPack(t, make([]byte, mega), chain(11)...), short, object.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := takePack(t, c.pack, c.limits)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && len(x.Objects) != links+1 {
				t.Errorf("%d objects", len(x.Objects))
			}
		})
	}
}

// A pack without an end to what it holds at once does not fit either: what rests on one
// base is held as long as more rests on it.
func TestABushOfDeltasHasALimit(t *testing.T) {
	limits := object.DefaultLimits
	limits.Object = 64
	data := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), 13)
	add := func(kind plumbing.ObjectType, base int, content []byte) int {
		o, err := NewObject(plumbing.BlobObject, content)
		if err != nil {
			t.Fatal(err)
		}
		at := len(data)
		data = append(data, EntryHeader(kind, len(content))...)
		if kind.IsDelta() {
			data = appendBaseDistance(data, int64(at-base))
		}
		data = append(data, o.Zlib...)
		return at
	}
	at := add(plumbing.BlobObject, 0, bytes.Repeat([]byte("x"), 60))
	for i := range 6 {
		insert := append([]byte{60, 60, 60}, bytes.Repeat([]byte{byte(i)}, 60)...)
		next := add(plumbing.OFSDeltaObject, at, insert)
		// A second one on the same base, which therefore is held.
		add(plumbing.OFSDeltaObject, at, []byte{60, 1, 1, byte(i)})
		at = next
	}
	sum := sha1.Sum(data)
	data = append(data, sum[:]...)

	if _, err := takePack(t, data, limits); !errors.Is(err, object.ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	if _, err := takePack(t, data, object.DefaultLimits); err != nil {
		t.Error(err)
	}
}

// A tree names objects that nobody sends: that many names are not remembered.
func TestNamesThatAPackHasNoRoomFor(t *testing.T) {
	var entries []object.TreeEntry
	for i := range 100_000 {
		var id object.Hash
		binary.BigEndian.PutUint32(id[:], uint32(i+1))
		entries = append(entries, object.TreeEntry{Name: string(rune('a'+i%26)) + id.String(), Mode: filemode.Regular, ID: id})
	}
	x := NewReceiver(t.TempDir(), nil)
	x.Count = 10
	err := x.note(object.Hash{1}, RawObject{Kind: plumbing.TreeObject, Data: object.EncodeTree(entries)})
	if !errors.Is(err, object.ErrObjectNotFound) || len(x.done) > 11 {
		t.Errorf("%v, %d names are held", err, len(x.done))
	}
}

var fuzzLimits = object.Limits{Object: 4 << 10, Structure: 2 << 10, Description: 1 << 10, Total: 64 << 10, Files: 500, Depth: 8, Refs: 20}

// FuzzLimits reads bytes that nobody vouches for as a pack and as a file of one object:
// whatever comes out keeps to the limits.
func FuzzLimits(f *testing.F) {
	f.Add(handPack(f, []byte("x"), growing(1, 3, 3), growing(3, 5000, 5000)))
	f.Add([]byte("\x78\x9c\x4b\xca\xc9\x4f\x52\x30\x34\x62\x28\x4e\x2d\x06\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "pack-x.pack")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		reader, err := (&Pack{Path: path, Index: &Index{data: EncodeIndex(nil, make([]byte, HashSize))}, Limits: fuzzLimits}).Open()
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		for offset := range min(len(data), 256) {
			if o, err := reader.Read(int64(offset)); err == nil {
				keepsToLimits(t, o)
			}
		}

		if o, err := ReadObjectFile(bytes.NewReader(data), fuzzLimits); err == nil {
			keepsToLimits(t, o)
		}
		if _, err := takePack(t, data, fuzzLimits); errors.As(err, new(runtime.Error)) {
			t.Error(err)
		}
	})
}

func keepsToLimits(t *testing.T, o RawObject) {
	t.Helper()
	if err := fuzzLimits.CheckObject(o.Kind, int64(len(o.Data))); err != nil {
		t.Error(err)
	}
}
