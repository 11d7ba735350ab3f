package gitsync

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/go-git/go-git/v5/plumbing"
)

func FuzzPackIndex(f *testing.F) {
	objects := []packedObject{{id: Hash{1}, offset: 12}, {id: Hash{0xff}, offset: 1 << 33}}
	f.Add(encodePackIndex(objects, make([]byte, idSize)))
	f.Add([]byte(indexMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parsePackIndex(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		for _, o := range objects {
			if offset, ok := x.find(o.id); ok && offset < 0 {
				t.Fatalf("offset %d", offset)
			}
		}
	})
}

func TestPackIndexFindsLargeOffsets(t *testing.T) {
	var objects []packedObject
	for i := range 1000 {
		o := packedObject{id: object.HashOf(plumbing.BlobObject, []byte{byte(i), byte(i >> 8)}), offset: uint64(i)}
		if i%2 == 1 {
			o.offset += 1 << 31 << (i % 9)
		}
		objects = append(objects, o)
	}

	want := slices.Clone(objects)
	x, err := parsePackIndex(encodePackIndex(objects, make([]byte, idSize)))
	if err != nil {
		t.Fatal(err)
	}

	for _, o := range want {
		if got, ok := x.find(o.id); !ok || got != int64(o.offset) {
			t.Fatalf("%s at %d, %v; want %d", o.id, got, ok, o.offset)
		}
	}

	if _, ok := x.find(Hash{}); ok {
		t.Error("found what is not there")
	}
}

// FuzzPackEntry reads an entry from bytes that nobody vouches for.
func FuzzPackEntry(f *testing.F) {
	o, err := newObject(plumbing.BlobObject, []byte("hello"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(entryHeader(o.kind, o.size), o.zlib...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{0x65, 0x80, 0x01})

	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		kind, size, err := readEntryHeader(in)
		if err != nil {
			return
		}
		if size < 0 || !kind.Valid() {
			t.Fatalf("kind %d, size %d", kind, size)
		}
		if kind == plumbing.OFSDeltaObject {
			if distance, err := readBaseDistance(in); err == nil && distance < 0 {
				t.Fatalf("distance %d", distance)
			}
		}
		if content, err := inflate(in, size); err == nil && int64(len(content)) != size {
			t.Fatalf("%d bytes, want %d", len(content), size)
		}
	})
}
