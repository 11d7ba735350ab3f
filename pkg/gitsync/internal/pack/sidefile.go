package pack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Beside a pack lie files that say more about its objects. All have a signature,
// version 1, the number of the hash function (1 is SHA-1), one word per object,
// the checksum of the pack and their own.
const (
	ReverseMagic = "RIDX\x00\x00\x00\x01\x00\x00\x00\x01" // .rev: the objects in the order of the pack
	MtimesMagic  = "MTME\x00\x00\x00\x01\x00\x00\x00\x01" // .mtimes: when each was last in use; marks cruft
)

// EncodeSideFile returns the bytes of a file beside a pack: a header, one word for each
// object, and the checksums of the pack and of the file.
func EncodeSideFile(magic string, words []uint32, packChecksum []byte) []byte {
	out := make([]byte, 0, len(magic)+4*len(words)+ChecksumSize)
	out = append(out, magic...)
	for _, w := range words {
		out = binary.BigEndian.AppendUint32(out, w)
	}
	out = append(out, packChecksum...)
	sum := NewChecksum()
	sum.Write(out)
	return sum.Sum(out)
}

// ReverseOrder returns the places in the index of the objects of a pack, in the
// order of the pack. The objects are sorted as in the index.
func ReverseOrder(objects []IndexEntry) []uint32 {
	order := make([]uint32, len(objects))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(objects[a].Offset, objects[b].Offset) })
	return order
}

// ReadMtimes reads the times of a cruft pack's objects.
func ReadMtimes(p *Pack) ([]uint32, error) {
	path := SiblingFile(p, ".mtimes")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read times: %w", err)
	}
	words, err := ParseMtimes(data, p.Index.Count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return words, nil
}

// ParseMtimes reads the times of the objects of a cruft pack.
func ParseMtimes(data []byte, count int) ([]uint32, error) {
	if !bytes.HasPrefix(data, []byte(MtimesMagic)) || len(data) != len(MtimesMagic)+4*count+ChecksumSize {
		return nil, fmt.Errorf("%w: times of objects", object.ErrCorrupt)
	}
	words := make([]uint32, count)
	for i := range words {
		words[i] = binary.BigEndian.Uint32(data[len(MtimesMagic)+4*i:])
	}
	return words, nil
}

// SiblingFile is the file that belongs to a pack under another ending.
func SiblingFile(p *Pack, ending string) string {
	return p.Path[:len(p.Path)-len(filepath.Ext(p.Path))] + ending
}
