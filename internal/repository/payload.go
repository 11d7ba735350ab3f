package repository

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"path"
	"strings"

	"github.com/appbur/appbur"
)

// AppDir is the directory of one application's payloads in a restore point.
func AppDir(key appbur.AppKey) string {
	return path.Join(appbur.AppsDir, key.Namespace, key.Name)
}

// Pieces of a row payload: the bounds in bytes. A piece ends after the first row
// whose hash says so once it has reached the least size, and always before the
// greatest, so that a change of some rows rewrites only the pieces that hold
// them: the cut depends on the rows near it and on nothing before the piece.
const (
	pieceLeast    = 256 << 10
	pieceGreatest = 4 << 20
	// pieceMask makes one row in 2,048 a boundary: with rows of some 200 bytes that
	// adds about 400 KiB to the least size.
	pieceMask = 1<<11 - 1
)

// splitRows cuts newline-terminated rows into pieces at row boundaries. Joined
// in order the pieces are the payload.
func splitRows(payload []byte) [][]byte {
	var pieces [][]byte
	start := 0
	for end := 0; end < len(payload); {
		row := payload[end:]
		if i := bytes.IndexByte(row, '\n'); i >= 0 {
			row = row[:i+1]
		}
		if end > start && end+len(row)-start > pieceGreatest {
			pieces = append(pieces, payload[start:end])
			start = end
		}
		end += len(row)
		if end-start >= pieceLeast && isBoundary(row) {
			pieces = append(pieces, payload[start:end])
			start = end
		}
	}
	if start < len(payload) {
		pieces = append(pieces, payload[start:])
	}
	return pieces
}

func isBoundary(row []byte) bool {
	h := fnv.New64a()
	h.Write(row)
	// FNV's low bits are its weakest; fold the high half in.
	sum := h.Sum64()
	return (sum^sum>>32)&pieceMask == 0
}

// pieceName names a piece by its place. The names sort in reading order.
func pieceName(index int, sensitive bool) string {
	name := fmt.Sprintf("%06d.ndjson", index)
	if sensitive {
		name += ".age"
	}
	return name
}

// validAppPart refuses names that would leave the directory of the payloads.
// Applications choose dataset names, so they are input, not words of ours.
func validAppPart(what, name string) error {
	if name == "" || len(name) > 253 || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00%") || strings.HasPrefix(name, ".") {
		return appbur.WithHint(fmt.Errorf("%s %q cannot name a directory", what, name),
			"use lower-case letters, digits and dashes")
	}
	return nil
}
