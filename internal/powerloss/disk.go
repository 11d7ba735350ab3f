package powerloss

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Disk is what programs see of a file system, and what a power failure would leave of it. What was there
// before the first event is durable.
type Disk struct{ root *inode }

// inode is a file or directory; a name is only a way to it.
type inode struct {
	// torn means that bytes were written and not synced.
	torn bool
	// seen and durable are the names in a directory.
	seen, durable map[string]*inode
	// born means that the trace made it, so that it holds nothing but what is in seen.
	born bool
}

func newInode(born bool) *inode {
	return &inode{born: born, seen: map[string]*inode{}, durable: map[string]*inode{}}
}

// NewDisk returns a disk on which everything is durable.
func NewDisk() *Disk { return &Disk{root: newInode(false)} }

// Apply does what a call did.
func (d *Disk) Apply(e Event) {
	dir, name := d.lookup(filepath.Dir(e.Path)), filepath.Base(e.Path)
	if dir == nil {
		return // a file that lost its name while it was open
	}

	switch e.Call {
	case "create":
		// A file that was there before the trace is taken for a new one: the stricter guess.
		if dir.seen[name] == nil {
			dir.seen[name] = newInode(true)
		}
	case "mkdir":
		dir.seen[name] = newInode(true)
	case "write":
		if file := dir.child(name); file != nil {
			file.torn = true
		}
	case "sync":
		if file := dir.child(name); file != nil {
			file.torn = false
			file.durable = maps.Clone(file.seen)
		}
	case "rename", "link":
		from := d.lookup(filepath.Dir(e.From))
		if from == nil {
			return
		}
		file := from.child(filepath.Base(e.From))
		dir.child(name) // so that a durable name that is replaced is known
		dir.seen[name] = file
		if e.Call == "rename" {
			delete(from.seen, filepath.Base(e.From))
		}
	case "remove":
		dir.child(name)
		delete(dir.seen, name)
	}
}

func (d *Disk) lookup(path string) *inode {
	at := d.root
	for name := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		if name == "" {
			continue
		}
		if at = at.child(name); at == nil {
			return nil
		}
	}
	return at
}

// child returns what a name means, and nil for a name that was taken away or never given. What a
// directory held before the trace is found here for the first time.
func (n *inode) child(name string) *inode {
	if file, ok := n.seen[name]; ok {
		return file
	}
	if _, removed := n.durable[name]; removed || n.born {
		return nil
	}
	file := newInode(false)
	n.seen[name], n.durable[name] = file, file
	return file
}

func (n *inode) certain(name string, file *inode) bool { return n.durable[name] == file }

// Loss is one difference between what programs see and what a power failure would leave.
type Loss struct {
	Path string
	// Kind is "torn" for bytes, "nameless" for a file or directory whose name would be gone or would be that of another,
	// and "back" for a name that was removed and would be there again.
	Kind string
}

func (l Loss) String() string { return fmt.Sprintf("%s (%s)", l.Path, l.Kind) }

// Losses returns what differs at a path, on the way to it and below it, ordered by path.
func (d *Disk) Losses(path string) []Loss {
	var found []Loss
	at, walked := d.root, "/"
	for name := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		walked = filepath.Join(walked, name)
		next := at.child(name)
		if next == nil {
			return append(found, Loss{walked, "nameless"})
		}
		if !at.certain(name, next) {
			found = append(found, Loss{walked, "nameless"})
		}
		at = next
	}

	at.walk(walked, &found)
	return found
}

func (n *inode) walk(path string, found *[]Loss) {
	if n.torn {
		*found = append(*found, Loss{path, "torn"})
	}

	names := maps.Clone(n.durable)
	maps.Copy(names, n.seen)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file, below := n.seen[name], filepath.Join(path, name)
		switch {
		case file == nil:
			*found = append(*found, Loss{below, "back"})
			continue
		case !n.certain(name, file):
			*found = append(*found, Loss{below, "nameless"})
		}
		file.walk(below, found)
	}
}
