package pack

import (
	"bytes"
	"hash/fnv"
	"slices"
)

// A pack is named after its bytes, and git deletes packs by name: of two that repack the
// same objects at the same time, each may take away what the other has just written,
// because an equal pack was there before. So no pack of ours has bytes that were there
// before: the first object's compressed form begins with blocks that hold nothing, and
// whose unused bits say which unfinished file the pack was written to.
const (
	varyBlocks = 7
	// emptyBlock ends a stored block without content (RFC 1951, 3.2.4): the length, and
	// its complement. Before it come three bits of header and five that every reader
	// ignores.
	emptyBlock = "\x00\x00\xff\xff"
	zlibHeader = 2
)

// Vary returns another compressed form of the same content, by a name. Varied again, it
// grows no further.
func Vary(compressed []byte, name string) []byte {
	if len(compressed) < zlibHeader {
		return compressed
	}
	rest := compressed[zlibHeader:]
	for len(rest) > len(emptyBlock) && rest[0]&7 == 0 && bytes.HasPrefix(rest[1:], []byte(emptyBlock)) {
		rest = rest[1+len(emptyBlock):]
	}

	digest := fnv.New64a()
	_, _ = digest.Write([]byte(name))
	bits := digest.Sum64()
	varied := slices.Clone(compressed[:zlibHeader])
	for range varyBlocks {
		varied = append(varied, byte(bits&31)<<3)
		varied = append(varied, emptyBlock...)
		bits >>= 5
	}
	return append(varied, rest...)
}
