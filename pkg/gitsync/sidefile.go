package gitsync

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Beside a pack lie files that say more about its objects. All have a signature,
// version 1, the number of the hash function (1 is SHA-1), one word per object,
// the checksum of the pack and their own.
const (
	reverseMagic = "RIDX\x00\x00\x00\x01\x00\x00\x00\x01" // .rev: the objects in the order of the pack
	mtimesMagic  = "MTME\x00\x00\x00\x01\x00\x00\x00\x01" // .mtimes: when each was last in use; marks cruft
)

func encodeSideFile(magic string, words []uint32, packChecksum []byte) []byte {
	out := make([]byte, 0, len(magic)+4*len(words)+checksumSize)
	out = append(out, magic...)
	for _, w := range words {
		out = binary.BigEndian.AppendUint32(out, w)
	}
	out = append(out, packChecksum...)
	sum := newChecksum()
	sum.Write(out)
	return sum.Sum(out)
}

// reverseOrder returns the places in the index of the objects of a pack, in the
// order of the pack. The objects are sorted as in the index.
func reverseOrder(objects []packedObject) []uint32 {
	order := make([]uint32, len(objects))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(objects[a].offset, objects[b].offset) })
	return order
}

// readMtimes reads the times of a cruft pack's objects.
func readMtimes(p *pack) ([]uint32, error) {
	path := siblingFile(p, ".mtimes")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read times: %w", err)
	}
	words, err := parseMtimes(data, p.index.count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return words, nil
}

func parseMtimes(data []byte, count int) ([]uint32, error) {
	if !bytes.HasPrefix(data, []byte(mtimesMagic)) || len(data) != len(mtimesMagic)+4*count+checksumSize {
		return nil, fmt.Errorf("%w: times of objects", ErrCorrupt)
	}
	words := make([]uint32, count)
	for i := range words {
		words[i] = binary.BigEndian.Uint32(data[len(mtimesMagic)+4*i:])
	}
	return words, nil
}

// siblingFile is the file that belongs to a pack under another ending.
func siblingFile(p *pack, ending string) string {
	return p.path[:len(p.path)-len(filepath.Ext(p.path))] + ending
}
