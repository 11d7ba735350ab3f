package pack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"
)

// Hold keeps a new pack from being taken away before a ref leads to it. A
// `git gc --prune=now` or `git repack -ad` that reads the refs in between finds that
// nothing needs the pack, and takes no notice of its age. Nor may a pack go that takes
// the place of others, while they are taken away. A .keep file beside a pack
// asks git to leave it, which is what git's own receive-pack does. The file is locked
// while it is open, so that one whose owner has died is known by that.
type Hold struct {
	pack *Pack
	path string
	file *os.File
}

// holdText tells our .keep files from those that a user made.
const holdText = "appbur: until a ref leads here\n"

// Release lets the pack be repacked. No hold is none.
func (h *Hold) Release() {
	if h == nil {
		return
	}
	if h.pack != nil {
		h.pack.Kept.Store(false)
	}
	_ = os.Remove(h.path)
	_ = h.file.Close()
}

// isHold reports whether a file in a directory of packs is a hold.
func isHold(dir string, entry fs.DirEntry) bool {
	if !strings.HasSuffix(entry.Name(), KeepEnding) {
		return false
	}
	text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
	return err == nil && string(text) == holdText
}

// hold links the hold of a pack that is about to be published under a name.
func (p *Writer) hold(name string) (*Hold, error) {
	file, err := tempfile.Create(p.dir, unfinishedIndex)
	if err != nil {
		return nil, err
	}
	// It need not be durable: after a crash no process is about to move a ref.
	_, err = file.WriteString(holdText)
	if err == nil {
		err = os.Link(file.Name(), name+KeepEnding)
	}
	if removeErr := os.Remove(file.Name()); err == nil {
		err = removeErr
	}

	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Hold{path: name + KeepEnding, file: file}, nil
}
