package gitsync

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// treeEntry is one line of a tree object.
type treeEntry struct {
	name string
	mode filemode.FileMode
	id   Hash
}

func (e treeEntry) isDir() bool { return e.mode == filemode.Dir }

// isFile reports whether the entry is a file whose bytes are its content.
func (e treeEntry) isFile() bool {
	return e.mode == filemode.Regular || e.mode == filemode.Executable || e.mode == filemode.Deprecated
}

// compareEntries is git's order: by bytes, a directory as if its name ended in
// a slash.
func compareEntries(a, b treeEntry) int {
	n := min(len(a.name), len(b.name))
	if c := strings.Compare(a.name[:n], b.name[:n]); c != 0 {
		return c
	}
	return int(nameByte(a, n)) - int(nameByte(b, n))
}

// nameByte returns the byte at position i of the name as it is compared.
func nameByte(e treeEntry, i int) byte {
	switch {
	case i < len(e.name):
		return e.name[i]
	case i == len(e.name) && e.isDir():
		return '/'
	default:
		return 0
	}
}

// encodeTree returns the bytes of the tree object. It sorts the entries.
func encodeTree(entries []treeEntry) []byte {
	slices.SortFunc(entries, compareEntries)
	size := 0
	for _, e := range entries {
		size += len("100644 ") + len(e.name) + 1 + len(e.id)
	}
	out := make([]byte, 0, size)
	for _, e := range entries {
		out = strconv.AppendUint(out, uint64(e.mode), 8)
		out = append(out, ' ')
		out = append(out, e.name...)
		out = append(out, 0)
		out = append(out, e.id[:]...)
	}
	return out
}

// decodeTree reads the bytes of a tree object. It does not demand order, since
// old trees of other writers exist; it demands that every entry is whole.
func decodeTree(data []byte) ([]treeEntry, error) {
	// Forty bytes is a short entry; the guess saves most of the regrowing.
	entries := make([]treeEntry, 0, len(data)/40)

	for len(data) > 0 {
		space := bytes.IndexByte(data, ' ')
		if space <= 0 {
			return nil, fmt.Errorf("%w: tree entry without a mode", ErrCorrupt)
		}
		mode, err := strconv.ParseUint(string(data[:space]), 8, 32)
		if err != nil {
			return nil, fmt.Errorf("%w: tree entry: %w", ErrCorrupt, err)
		}
		data = data[space+1:]
		end := bytes.IndexByte(data, 0)
		if end <= 0 || bytes.IndexByte(data[:end], '/') >= 0 {
			return nil, fmt.Errorf("%w: tree entry without a plain name", ErrCorrupt)
		}
		e := treeEntry{name: string(data[:end]), mode: filemode.FileMode(mode)}
		data = data[end+1:]
		if len(data) < len(e.id) {
			return nil, fmt.Errorf("%w: tree entry %q is cut off", ErrCorrupt, e.name)
		}
		copy(e.id[:], data)
		data = data[len(e.id):]
		entries = append(entries, e)
	}

	return entries, nil
}
