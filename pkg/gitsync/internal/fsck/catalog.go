package fsck

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// catalog lists every object of a repository once, sorted by id, with where its
// first copy is. One list for all packs keeps looking up cheap when there are
// thousands of them.
type catalog struct {
	entries []catalogEntry
	// marks hold, for each entry, the type that was read and the types that others
	// expect.
	marks []atomic.Uint32
}

type catalogEntry struct {
	id object.Hash
	// pack is the place in checker.packs, -1 for a loose object.
	pack   int32
	offset int64
}

const markKind = 7

// linkKinds are the types that objects are referred to as.
var linkKinds = []plumbing.ObjectType{plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject}

func wantedAs(kind plumbing.ObjectType) uint32 { return 1 << (7 + uint(kind)) }

// markVisited is set by the walk from the refs.
const markVisited = 1 << 20

// find returns the place of an object, -1 if there is none.
func (k *catalog) find(id object.Hash) int {
	i, found := slices.BinarySearchFunc(k.entries, id, func(e catalogEntry, id object.Hash) int { return bytes.Compare(e.id[:], id[:]) })
	if !found {
		return -1
	}
	return i
}

// want notes that something leads to an object, and reports whether it is there.
func (k *catalog) want(id object.Hash, kind plumbing.ObjectType) bool {
	if id == object.EmptyTree && kind == plumbing.TreeObject {
		return true
	}
	i := k.find(id)
	if i < 0 {
		return false
	}
	k.marks[i].Or(wantedAs(kind))
	return true
}

// saw notes the type of an object that was read completely.
func (k *catalog) saw(id object.Hash, kind plumbing.ObjectType) {
	if i := k.find(id); i >= 0 {
		k.marks[i].Or(uint32(kind) & markKind)
	}
}

// checkedPack is a pack whose index could be read.
type checkedPack struct {
	path  string // of the pack
	count int
}

// readCatalog reads every index and the names of loose objects.
func (c *checker) readCatalog() error {
	var err error
	if c.dirs, err = c.objectDirs(); err != nil {
		return err
	}

	for _, dir := range c.dirs {
		packs, err := pack.List(dir)
		if err != nil {
			return err
		}
		for _, files := range packs {
			if err := c.addPack(files.Base); err != nil {
				return err
			}
		}
		if err := c.addLoose(dir); err != nil {
			return err
		}
	}

	slices.SortStableFunc(c.catalog.entries, func(a, b catalogEntry) int { return bytes.Compare(a.id[:], b.id[:]) })
	c.catalog.entries = slices.CompactFunc(c.catalog.entries, func(a, b catalogEntry) bool { return a.id == b.id })
	c.catalog.marks = make([]atomic.Uint32, len(c.catalog.entries))
	return nil
}

// objectDirs returns the "objects" directory and those it borrows from.
func (c *checker) objectDirs() ([]string, error) {
	return pack.ObjectDirs(filepath.Join(c.dir, "objects"), func(dir string) bool {
		_, err := os.Stat(dir)
		if err != nil {
			c.problem(Format, object.Hash{}, "objects/info/alternates", "objects are borrowed from %s, which cannot be read: %v", dir, err)
		}
		return err == nil
	})
}

// addPack reads the index of one pack; base is the path without an ending.
func (c *checker) addPack(base string) error {
	data, err := os.ReadFile(base + ".idx")
	if errors.Is(err, fs.ErrNotExist) {
		return errChanged
	}
	if err != nil {
		return fmt.Errorf("read pack index: %w", err)
	}

	if _, err := os.Stat(base + ".pack"); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(base + ".idx"); errors.Is(err, fs.ErrNotExist) {
			return errChanged
		}
		c.problem(Pack, object.Hash{}, c.relative(base+".pack"), "there is an index and no pack")
		return nil
	}

	objects, problem := readIndex(data)
	if problem != "" {
		c.problem(PackIndex, object.Hash{}, c.relative(base+".idx"), "%s", problem)
	}
	if objects == nil {
		return nil
	}
	number := int32(len(c.packs))
	c.packs = append(c.packs, &checkedPack{path: base + ".pack", count: len(objects)})
	c.report.Packs++
	for _, o := range objects {
		c.catalog.entries = append(c.catalog.entries, catalogEntry{id: o.ID, pack: number, offset: int64(o.Offset)})
	}
	return nil
}

// readIndex reads a complete pack index by itself and says what is wrong with it. The
// objects are nil when nothing in it can be used.
func readIndex(data []byte) (objects []pack.IndexEntry, problem string) {
	x, err := pack.ParseIndex(data)
	if err != nil {
		return nil, err.Error()
	}
	sum := pack.NewChecksum()
	sum.Write(data[:len(data)-pack.HashSize])
	if !bytes.Equal(sum.Sum(nil), data[len(data)-pack.HashSize:]) {
		problem = "its bytes do not have the checksum that it ends with"
	}

	objects = make([]pack.IndexEntry, x.Count)
	for i := range objects {
		o := &objects[i]
		o.ID, o.CRC = x.ID(i), x.CRC(i)
		offset, ok := x.Offset(i)
		if !ok {
			return nil, fmt.Sprintf("the place of %s is outside the pack", o.ID)
		}
		o.Offset = uint64(offset)
		first := int(o.ID[0])
		if i >= int(x.Word(pack.IndexFanout+4*first)) || first > 0 && i < int(x.Word(pack.IndexFanout+4*(first-1))) {
			problem = fmt.Sprintf("%s is not where its table of counts says", o.ID)
		}
		if i > 0 && bytes.Compare(objects[i-1].ID[:], o.ID[:]) >= 0 {
			problem = fmt.Sprintf("%s is out of order", o.ID)
		}
	}

	return objects, problem
}

// addLoose lists the objects that have a file of their own.
func (c *checker) addLoose(dir string) error {
	return eachLoose(dir, func(id object.Hash, _ string) error {
		c.report.Loose++
		c.catalog.entries = append(c.catalog.entries, catalogEntry{id: id, pack: -1})
		return nil
	})
}

// eachLoose calls fn for every file that has the name of an object.
func eachLoose(dir string, fn func(id object.Hash, path string) error) error {
	for first := range 256 {
		fan := hex.EncodeToString([]byte{byte(first)})
		names, err := os.ReadDir(filepath.Join(dir, fan))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list loose objects: %w", err)
		}
		for _, entry := range names {
			id, err := object.ParseHash(fan + entry.Name())
			if err != nil {
				continue // tmp_obj_…, which an interrupted git leaves
			}
			if err := fn(id, filepath.Join(dir, fan, entry.Name())); err != nil {
				return err
			}
		}
	}

	return nil
}
