package pack

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

func FuzzPackIndex(f *testing.F) {
	objects := []IndexEntry{{ID: object.Hash{1}, Offset: 12}, {ID: object.Hash{0xff}, Offset: 1 << 33}}
	f.Add(EncodeIndex(objects, make([]byte, HashSize)))
	f.Add([]byte(IndexMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseIndex(data)
		if err != nil {
			if !errors.Is(err, object.ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		for _, o := range objects {
			if offset, ok := x.find(o.ID); ok && offset < 0 {
				t.Fatalf("offset %d", offset)
			}
		}
	})
}

func TestPackIndexFindsLargeOffsets(t *testing.T) {
	var objects []IndexEntry
	for i := range 1000 {
		o := IndexEntry{ID: object.HashOf(plumbing.BlobObject, []byte{byte(i), byte(i >> 8)}), Offset: uint64(i)}
		if i%2 == 1 {
			o.Offset += 1 << 31 << (i % 9)
		}
		objects = append(objects, o)
	}

	want := slices.Clone(objects)
	x, err := ParseIndex(EncodeIndex(objects, make([]byte, HashSize)))
	if err != nil {
		t.Fatal(err)
	}

	for _, o := range want {
		if got, ok := x.find(o.ID); !ok || got != int64(o.Offset) {
			t.Fatalf("%s at %d, %v; want %d", o.ID, got, ok, o.Offset)
		}
	}

	if _, ok := x.find(object.Hash{}); ok {
		t.Error("found what is not there")
	}
}

// FuzzPackEntry reads an entry from bytes that nobody vouches for.
func FuzzPackEntry(f *testing.F) {
	o, err := NewObject(plumbing.BlobObject, []byte("hello"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(EntryHeader(o.Kind, o.Size), o.Zlib...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{0x65, 0x80, 0x01})

	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		kind, size, err := ReadEntryHeader(in)
		if err != nil {
			return
		}
		if size < 0 || !kind.Valid() {
			t.Fatalf("kind %d, size %d", kind, size)
		}
		if kind == plumbing.OFSDeltaObject {
			if distance, err := ReadBaseDistance(in); err == nil && distance < 0 {
				t.Fatalf("distance %d", distance)
			}
		}
		if content, err := Inflate(in, size); err == nil && int64(len(content)) != size {
			t.Fatalf("%d bytes, want %d", len(content), size)
		}
	})
}
