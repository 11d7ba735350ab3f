package object

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// FindEntry looks for one name in the bytes of a tree.
func FindEntry(data []byte, name string) (TreeEntry, bool, error) {
	const idLength = len(Hash{})
	for len(data) > 0 {
		space := bytes.IndexByte(data, ' ')
		end := bytes.IndexByte(data, 0)
		if space <= 0 || end < space || len(data) < end+1+idLength {
			return TreeEntry{}, false, fmt.Errorf("%w: tree entry is cut off", ErrCorrupt)
		}
		if string(data[space+1:end]) == name {
			mode, err := strconv.ParseUint(string(data[:space]), 8, 32)
			if err != nil {
				return TreeEntry{}, false, fmt.Errorf("%w: tree entry: %w", ErrCorrupt, err)
			}
			e := TreeEntry{Name: name, Mode: filemode.FileMode(mode)}
			copy(e.ID[:], data[end+1:])
			return e, true, nil
		}
		data = data[end+1+idLength:]
	}

	return TreeEntry{}, false, nil
}

// DifferingEntries takes the entries off two trees that are equal at their
// beginning and at their end. What is left is little when one file of many changed,
// and no tree has to be decoded for it.
func DifferingEntries(a, b []byte) (restA, restB []byte) {
	for {
		n := entryLength(a)
		if n == 0 || len(b) < n || !bytes.Equal(a[:n], b[:n]) {
			break
		}
		a, b = a[n:], b[n:]
	}

	same := 0
	for same < min(len(a), len(b)) && a[len(a)-1-same] == b[len(b)-1-same] {
		same++
	}

	// The equal bytes may begin inside an entry.
	ends := map[int]bool{}
	for rest := a; ; {
		n := entryLength(rest)
		if len(rest) <= same {
			ends[len(rest)] = true
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
	}

	for rest := b; ; {
		if len(rest) <= same && ends[len(rest)] {
			return a[:len(a)-len(rest)], b[:len(b)-len(rest)]
		}
		n := entryLength(rest)
		if n == 0 {
			return a, b
		}
		rest = rest[n:]
	}
}

// entryLength returns the length of the first entry of a tree, 0 if there is no
// whole one.
func entryLength(data []byte) int {
	n := bytes.IndexByte(data, 0) + 1 + len(Hash{})
	if n <= len(Hash{}) || n > len(data) {
		return 0
	}
	return n
}
