package gitsync

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

var epoch = time.Unix(1_700_000_000, 0)

func FuzzTree(f *testing.F) {
	f.Add(encodeTree([]treeEntry{{name: "a", mode: filemode.Regular}, {name: "b", mode: filemode.Dir}}))
	f.Add([]byte("100644 a\x00short"))
	f.Add([]byte("40000 \x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := decodeTree(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		again, err := decodeTree(encodeTree(slices.Clone(entries)))
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d entries became %d: %v", len(entries), len(again), err)
		}
	})
}

func FuzzCommit(f *testing.F) {
	const head = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n"
	f.Add([]byte(head + "\nsubject\n\nKey: value\n"))
	f.Add([]byte(head + "gpgsig -----BEGIN SSH SIGNATURE-----\n x\n -----END SSH SIGNATURE-----\n\nm\n"))
	f.Add([]byte(head + "gpgsig"))
	f.Add([]byte("tree x\n\n"))

	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCommit(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		if (c.Payload == nil) != (c.Signature == nil) {
			t.Fatal("a payload and no signature, or the other way round")
		}
		if c.Signature != nil && bytes.Contains(c.Payload, []byte("\ngpgsig ")) && !bytes.Contains([]byte(c.Message), []byte("gpgsig ")) {
			t.Fatal("the signature is in its own payload")
		}
	})
}

func FuzzTag(f *testing.F) {
	const head = "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag x\ntagger a <b> 1 +0000\n\n"
	f.Add([]byte(head + "m\n"))
	f.Add([]byte(head + "m\n-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n"))
	f.Add([]byte("object 1\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tag, err := parseTag(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		if tag.Signature != nil && !bytes.Equal(append(bytes.Clone(tag.Payload), tag.Signature...), data) {
			t.Fatal("payload and signature are not the tag")
		}
	})
}

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
		o := packedObject{id: hashObject(plumbing.BlobObject, []byte{byte(i), byte(i >> 8)}), offset: uint64(i)}
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

func FuzzPackedRefs(f *testing.F) {
	f.Add([]byte("# pack-refs with: peeled fully-peeled sorted\n4b825dc642cb6eb9a060e54bf8d69288fbee4904 refs/tags/x\n^4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"))
	f.Add([]byte("x refs/heads/main\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		refs, err := parsePackedRefs(data, defaultLimits)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v is not ErrCorrupt", err)
		}
		for name, hash := range refs {
			if _, err := ParseHash(hash.String()); err != nil || name == "" {
				t.Fatalf("%q: %v", name, err)
			}
		}
	})
}

// FuzzIdentity holds that whatever a name is, the line has one name, one address
// and one time.
func FuzzIdentity(f *testing.F) {
	for _, seed := range [][2]string{{"a", "b@c"}, {"<>", "\n"}, {"a <x@y> 1 +0000\ncommitter z", ">"}, {"\xff", "é"}, {".", " "}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, email string) {
		p := Person{Name: name, Email: email}
		line := identityLine(p, epoch)
		back, at, err := parseIdentity(line)
		if err != nil || bytes.ContainsAny([]byte(line), "\n\x00") {
			t.Fatalf("%q: %v", line, err)
		}
		if back != p.sanitized() || !at.Equal(epoch) || back.Name == "" {
			t.Fatalf("%q reads as %+v at %v", line, back, at)
		}
	})
}

func FuzzTrailers(f *testing.F) {
	f.Add("subject", "body", "value")
	f.Add("a: b", "c: d", "x\ny: z")
	f.Fuzz(func(t *testing.T, subject, body, value string) {
		want := []Trailer{{Key: "Key", Value: oneLine(value)}}
		message, err := formatMessage(subject, body, want)
		if err != nil {
			return
		}
		if got := parseTrailers(message); !slices.Equal(got, want) {
			t.Fatalf("%q has the trailers %v, want %v", message, got, want)
		}
	})
}
