package contract

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// ContractVersion is the version of the contract that this package speaks.
const ContractVersion = "v1"

// Sizes of messages. Every default gRPC client takes messages of 4 MiB.
const (
	// chunkSize is how much data a chunk carries unless the caller wants less.
	chunkSize = 256 << 10
	// maxChunkSize is the longest chunk that is accepted.
	maxChunkSize = 1 << 20
	// maxRowSize is the longest row that is accepted. Rows are held in memory one
	// at a time.
	maxRowSize = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// totals is what identifies one payload.
type totals struct {
	name, schema string
	rows, size   int64
	digest       appbur.Digest
}

// manifestDigest identifies a complete set of payloads: the SHA-256 of a text with one
// line for the application and one per dataset, sorted by name.
func manifestDigest(app string, datasets []totals) appbur.Digest {
	sorted := slices.SortedFunc(slices.Values(datasets), func(a, b totals) int { return strings.Compare(a.name, b.name) })
	var text strings.Builder
	fmt.Fprintf(&text, "appbur manifest v1\napp %s\n", app)
	for _, d := range sorted {
		fmt.Fprintf(&text, "%s %s %d %d %x\n", d.name, d.schema, d.rows, d.size, d.digest[:])
	}
	return appbur.DigestOf([]byte(text.String()))
}

// digestOf reads the 32 bytes of a message field.
func digestOf(field []byte) (appbur.Digest, error) {
	var d appbur.Digest
	if len(field) != len(d) {
		return d, fmt.Errorf("a SHA-256 has %d bytes, want %d", len(field), len(d))
	}
	return appbur.Digest(field), nil
}

// tally counts and digests a payload as it passes.
type tally struct {
	hash       hash.Hash
	rows, size int64
}

func newTally() *tally { return &tally{hash: sha256.New()} }

func (t *tally) write(data []byte) {
	t.hash.Write(data)
	t.size += int64(len(data))
}

// line counts one canonical row and the line feed after it.
func (t *tally) line(row []byte) {
	t.write(row)
	t.write(lineFeed)
	t.rows++
}

func (t *tally) digest() appbur.Digest { return appbur.Digest(t.hash.Sum(nil)) }

var lineFeed = []byte{'\n'}
