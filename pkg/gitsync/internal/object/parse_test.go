package object

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

func FuzzTree(f *testing.F) {
	f.Add(EncodeTree([]TreeEntry{{Name: "a", Mode: filemode.Regular}, {Name: "b", Mode: filemode.Dir}}))
	f.Add([]byte("100644 a\x00short"))
	f.Add([]byte("40000 \x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := DecodeTree(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		again, err := DecodeTree(EncodeTree(slices.Clone(entries)))
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
		c, err := ParseCommit(data)
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
		tag, err := ParseTag(data)
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

// FuzzIdentity holds that whatever a name is, the line has one name, one address
// and one time.
func FuzzIdentity(f *testing.F) {
	for _, seed := range [][2]string{{"a", "b@c"}, {"<>", "\n"}, {"a <x@y> 1 +0000\ncommitter z", ">"}, {"\xff", "é"}, {".", " "}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, email string) {
		p := Person{Name: name, Email: email}
		line := FormatIdentity(p, time.Unix(1_700_000_000, 0))
		back, at, err := ParseIdentity(line)
		if err != nil || bytes.ContainsAny([]byte(line), "\n\x00") {
			t.Fatalf("%q: %v", line, err)
		}
		if back != p.sanitized() || at.Unix() != 1_700_000_000 || back.Name == "" {
			t.Fatalf("%q reads as %+v at %v", line, back, at)
		}
	})
}

func FuzzTrailers(f *testing.F) {
	f.Add("subject", "body", "value")
	f.Add("a: b", "c: d", "x\ny: z")
	f.Fuzz(func(t *testing.T, subject, body, value string) {
		want := []Trailer{{Key: "Key", Value: oneLine(value)}}
		message, err := FormatMessage(subject, body, want)
		if err != nil {
			return
		}
		if got := parseTrailers(message); !slices.Equal(got, want) {
			t.Fatalf("%q has the trailers %v, want %v", message, got, want)
		}
	})
}
