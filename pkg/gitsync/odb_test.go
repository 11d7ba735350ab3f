package gitsync

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// A repository that other tools left with thousands of packs is opened, read and
// packed together.
func TestThousandsOfPacks(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := testRepository(t)
	const packs = 5000
	blobs := make([]Hash, packs)
	for i := range blobs {
		o, err := newObject(plumbing.BlobObject, fmt.Append(nil, "content ", i))
		if err != nil {
			t.Fatal(err)
		}
		blobs[i] = o.id
		header := packHeader(1)
		data := bytes.Join([][]byte{header, entryHeader(o.kind, o.size), o.zlib}, nil)
		sum := newChecksum()
		sum.Write(data)
		end := sum.Sum(nil)
		name := filepath.Join(r.objects.packDir(), "pack-"+hex.EncodeToString(end))
		entry := packedObject{id: o.id, offset: uint64(len(header)), crc: crc32.ChecksumIEEE(data[len(header):])}
		for ending, text := range map[string][]byte{".pack": append(data, end...), ".idx": encodePackIndex([]packedObject{entry}, end)} {
			if err := os.WriteFile(name+ending, text, 0o444); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(r *Repository) {
		t.Helper()
		for i, id := range blobs {
			if data, err := r.objects.readAs(id, plumbing.BlobObject); err != nil || string(data) != fmt.Sprint("content ", i) {
				t.Fatalf("%d: %q, %v", i, data, err)
			}
		}
	}
	opened, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	read(opened)
	if len(opened.objects.large) > 0 {
		t.Errorf("%d packs are searched one by one", len(opened.objects.large))
	}
	report, err := opened.Maintain(t.Context(), MaintainOptions{})
	if err != nil || report.PacksBefore != packs || report.PacksAfter != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	read(opened)
	read(r) // it has not heard of the new pack
}
