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

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
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
		o, err := pack.NewObject(plumbing.BlobObject, fmt.Append(nil, "content ", i))
		if err != nil {
			t.Fatal(err)
		}
		blobs[i] = o.ID
		header := pack.Header(1)
		data := bytes.Join([][]byte{header, pack.EntryHeader(o.Kind, o.Size), o.Zlib}, nil)
		sum := pack.NewChecksum()
		sum.Write(data)
		end := sum.Sum(nil)
		name := filepath.Join(r.objects.PackDir(), "pack-"+hex.EncodeToString(end))
		entry := pack.IndexEntry{ID: o.ID, Offset: uint64(len(header)), CRC: crc32.ChecksumIEEE(data[len(header):])}
		for ending, text := range map[string][]byte{".pack": append(data, end...), ".idx": pack.EncodeIndex([]pack.IndexEntry{entry}, end)} {
			if err := os.WriteFile(name+ending, text, 0o444); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(r *Repository) {
		t.Helper()
		for i, id := range blobs {
			if data, err := r.objects.ReadAs(id, plumbing.BlobObject); err != nil || string(data) != fmt.Sprint("content ", i) {
				t.Fatalf("%d: %q, %v", i, data, err)
			}
		}
	}
	opened, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	read(opened)
	if len(opened.objects.Large) > 0 {
		t.Errorf("%d packs are searched one by one", len(opened.objects.Large))
	}
	report, err := opened.Maintain(t.Context(), MaintainOptions{})
	if err != nil || report.PacksBefore != packs || report.PacksAfter != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	read(opened)
	read(r) // it has not heard of the new pack
}
