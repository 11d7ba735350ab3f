package pack

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

func FuzzVary(f *testing.F) {
	for _, content := range []string{"", "x", "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n", string(bytes.Repeat([]byte("long "), 9999))} {
		f.Add([]byte(content), "pack_1")
	}

	f.Fuzz(func(t *testing.T, content []byte, name string) {
		o, err := NewObject(plumbing.BlobObject, content)
		if err != nil {
			t.Fatal(err)
		}
		once := Vary(o.Zlib, name)
		again := Vary(once, name+"'")
		for _, compressed := range [][]byte{once, again} {
			if got, err := Inflate(bytes.NewReader(compressed), int64(len(content))); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%q became %q, %v", content, got, err)
			}
		}
		if len(again) != len(once) || bytes.Equal(again, once) {
			t.Errorf("varied again: %x, before %x", again, once)
		}
	})
}

func TestVaryIsFedByTheName(t *testing.T) {
	o, err := NewObject(plumbing.BlobObject, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]bool{}
	for n := range 1000 {
		forms[string(Vary(o.Zlib, fmt.Sprint("appbur-pack_", n)))] = true
	}
	if len(forms) != 1000 {
		t.Errorf("%d forms for 1000 names", len(forms))
	}
}
