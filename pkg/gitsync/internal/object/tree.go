package object

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// TreeEntry is one line of a tree object.
type TreeEntry struct {
	Name string
	Mode filemode.FileMode
	ID   Hash
}

// IsDir reports whether the entry is a directory.
func (e TreeEntry) IsDir() bool { return e.Mode == filemode.Dir }

// IsFile reports whether the entry is a file whose bytes are its content.
func (e TreeEntry) IsFile() bool {
	return e.Mode == filemode.Regular || e.Mode == filemode.Executable || e.Mode == filemode.Deprecated
}

// CompareEntries is git's order: by bytes, a directory as if its name ended in
// a slash.
func CompareEntries(a, b TreeEntry) int {
	n := min(len(a.Name), len(b.Name))
	if c := strings.Compare(a.Name[:n], b.Name[:n]); c != 0 {
		return c
	}
	return int(nameByte(a, n)) - int(nameByte(b, n))
}

// nameByte returns the byte at position i of the name as it is compared.
func nameByte(e TreeEntry, i int) byte {
	switch {
	case i < len(e.Name):
		return e.Name[i]
	case i == len(e.Name) && e.IsDir():
		return '/'
	default:
		return 0
	}
}

// EncodeTree returns the bytes of the tree object. It sorts the entries.
func EncodeTree(entries []TreeEntry) []byte {
	slices.SortFunc(entries, CompareEntries)
	size := 0
	for _, e := range entries {
		size += len("100644 ") + len(e.Name) + 1 + len(e.ID)
	}
	out := make([]byte, 0, size)
	for _, e := range entries {
		out = strconv.AppendUint(out, uint64(e.Mode), 8)
		out = append(out, ' ')
		out = append(out, e.Name...)
		out = append(out, 0)
		out = append(out, e.ID[:]...)
	}
	return out
}

// DecodeTree reads the bytes of a tree object. It does not demand order, since
// old trees of other writers exist; it demands that every entry is complete.
func DecodeTree(data []byte) ([]TreeEntry, error) {
	// Forty bytes is a short entry; the guess saves most of the regrowing.
	entries := make([]TreeEntry, 0, len(data)/40)

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
		e := TreeEntry{Name: string(data[:end]), Mode: filemode.FileMode(mode)}
		data = data[end+1:]
		if len(data) < len(e.ID) {
			return nil, fmt.Errorf("%w: tree entry %q is cut off", ErrCorrupt, e.Name)
		}
		copy(e.ID[:], data)
		data = data[len(e.ID):]
		entries = append(entries, e)
	}

	return entries, nil
}

// EmptyTree is the tree without entries, which git knows by heart.
var EmptyTree = HashOf(plumbing.TreeObject, nil)
