package fsck

import (
	"context"
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// walk follows everything from the refs. It reports what is needed and not there,
// and finds out whom the broken objects affect.
func (c *checker) walk(ctx context.Context) error {
	w := &checkWalker{checker: c, ctx: ctx, readers: map[int32]*pack.Reader{}, hits: map[object.Hash][]hit{}}
	defer w.closeAll()
	for _, ref := range c.refs {
		if err := w.reach(ref.id); err != nil {
			return err
		}
	}
	if len(c.broken) == 0 {
		return nil
	}
	return w.affected()
}

// checkWalker reads objects one by one, and keeps packs open.
type checkWalker struct {
	*checker
	ctx     context.Context
	readers map[int32]*pack.Reader
	hits    map[object.Hash][]hit
}

// hit is a broken object and where below a tree it is.
type hit struct {
	path string
	id   object.Hash
}

// maxOpenPacks bounds the files that a walk holds open.
const maxOpenPacks = 32

func (w *checkWalker) closeAll() {
	for _, reader := range w.readers {
		reader.Close()
	}
	clear(w.readers)
}

// errBroken means that an object cannot be read, which was reported.
var errBroken = errors.New("broken object")

// read returns a proven object, or errBroken after it was reported.
func (w *checkWalker) read(id object.Hash, neededBy string) (pack.RawObject, error) {
	if err := w.ctx.Err(); err != nil {
		return pack.RawObject{}, err
	}
	if id == object.EmptyTree {
		return pack.RawObject{Kind: plumbing.TreeObject}, nil
	}
	i := w.catalog.find(id)
	if i < 0 {
		w.lost(id, neededBy)
		return pack.RawObject{}, errBroken
	}

	raw, where, err := w.readEntry(w.catalog.entries[i])
	if err == nil {
		err = pack.Prove(id, raw)
	}
	if errors.Is(err, errChanged) {
		return pack.RawObject{}, err
	}
	if err != nil {
		if w.options.Quick {
			w.brokenObject(kindOfProblem(err), id, w.relative(where), "%v", reasonOf(err))
		}
		return pack.RawObject{}, errBroken
	}
	return raw, nil
}

// lost reports an object that is needed and not there, once.
func (w *checkWalker) lost(id object.Hash, neededBy string) {
	for _, p := range w.problems {
		if p.Object == id && (p.Kind == Missing || p.Kind == Ref) {
			return
		}
	}
	w.brokenObject(Missing, id, "", "it is not there; %s needs it", neededBy)
}

func (w *checkWalker) readEntry(e catalogEntry) (pack.RawObject, string, error) {
	if e.pack < 0 {
		return w.readLoose(e.id)
	}
	p := w.packs[e.pack]
	reader := w.readers[e.pack]
	if reader == nil {
		if len(w.readers) >= maxOpenPacks {
			w.closeAll()
		}
		var err error
		if reader, err = openChecked(p, w.limits); err != nil {
			return pack.RawObject{}, p.path, err
		}
		w.readers[e.pack] = reader
	}
	raw, err := reader.Read(e.offset)
	return raw, p.path, err
}

func (w *checkWalker) readLoose(id object.Hash) (pack.RawObject, string, error) {
	name := id.String()
	for _, dir := range w.dirs {
		path := dir + "/" + name[:2] + "/" + name[2:]
		raw, err := readLooseFile(path, w.limits)
		if !errors.Is(vanished(err), errChanged) {
			return raw, path, err
		}
	}
	return pack.RawObject{}, "", errChanged
}

// visit marks an object and reports whether it is there and new to the walk.
func (w *checkWalker) visit(id object.Hash, neededBy string) bool {
	i := w.catalog.find(id)
	if i < 0 {
		if id != object.EmptyTree {
			w.lost(id, neededBy)
		}
		return false
	}
	return w.catalog.marks[i].Or(markVisited)&markVisited == 0
}

// reach walks everything below a commit or a tag.
func (w *checkWalker) reach(start object.Hash) error {
	queue := []object.Hash{start}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !w.visit(id, "a ref") {
			continue
		}
		raw, err := w.read(id, "a ref")
		if errors.Is(err, errBroken) {
			continue
		}
		if err != nil {
			return err
		}
		for _, l := range linksOf(raw, w.shallow[id]) {
			needer := raw.Kind.String() + " " + id.String()
			switch l.kind {
			case plumbing.TreeObject:
				err = w.reachTree(l.id, needer)
			case plumbing.BlobObject:
				w.visit(l.id, needer)
			default:
				if w.catalog.find(l.id) < 0 {
					w.lost(l.id, needer)
				} else {
					queue = append(queue, l.id)
				}
			}
			if err != nil {
				return err
			}
		}
		if w.options.Quick {
			w.advance(1)
		}
	}

	return nil
}

func (w *checkWalker) reachTree(id object.Hash, neededBy string) error {
	if !w.visit(id, neededBy) {
		return nil
	}
	raw, err := w.read(id, neededBy)
	if errors.Is(err, errBroken) {
		return nil
	}

	if err != nil {
		return err
	}
	if raw.Kind != plumbing.TreeObject {
		if w.options.Quick {
			w.brokenObject(Form, id, "", "it is a %s, and %s refers to it as a tree", raw.Kind, neededBy)
		}
		return nil
	}

	for _, l := range linksOf(raw, false) {
		if l.kind == plumbing.TreeObject {
			if err := w.reachTree(l.id, "tree "+id.String()); err != nil {
				return err
			}
			continue
		}
		w.visit(l.id, "tree "+id.String())
	}

	if w.options.Quick {
		w.advance(1)
	}
	return nil
}

func linksOf(raw pack.RawObject, shallow bool) []link {
	var links []link
	switch raw.Kind {
	case plumbing.CommitObject:
		links, _ = checkCommit(raw.Data, shallow)
	case plumbing.TreeObject:
		links, _ = checkTree(raw.Data)
	case plumbing.TagObject:
		links, _ = checkTag(raw.Data)
	}
	return links
}

// affected says for each broken object which refs need it, and in which file.
func (w *checkWalker) affected() error {
	byObject := map[object.Hash][]Affected{}
	for _, ref := range w.refs {
		if err := w.affectedRef(ref, byObject); err != nil {
			return err
		}
	}
	for i := range w.problems {
		p := &w.problems[i]
		if p.Object.IsZero() {
			continue
		}
		list := byObject[p.Object]
		p.Affects = list[:min(len(list), maxAffected)]
		p.AffectsMore = len(list) - len(p.Affects)
	}
	return nil
}

// affectedRef looks at what a tag leads to, or at the complete history of a branch,
// newest first: of each broken object only the newest commit is named.
func (w *checkWalker) affectedRef(ref checkedRef, byObject map[object.Hash][]Affected) error {
	named := map[object.Hash]bool{}
	name := func(id object.Hash, commit object.Hash, path string) {
		if !named[id] {
			named[id] = true
			byObject[id] = append(byObject[id], Affected{ref.name, commit, path})
		}
	}

	seen := map[object.Hash]bool{}
	queue := []object.Hash{ref.id}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		if w.broken[id] {
			name(id, id, "")
		}
		if w.catalog.find(id) < 0 {
			continue
		}
		raw, err := w.read(id, "")
		if errors.Is(err, errBroken) {
			continue
		}
		if err != nil {
			return err
		}
		for _, l := range linksOf(raw, w.shallow[id]) {
			if l.kind == plumbing.TreeObject {
				found, err := w.hitsBelow(l.id)
				if err != nil {
					return err
				}
				for _, h := range found {
					name(h.id, id, strings.TrimPrefix(h.path, "/"))
				}
			}
			// Of a tag only its own commit counts: what came before is the branch's.
			if l.kind == plumbing.CommitObject && (raw.Kind == plumbing.TagObject || !strings.HasPrefix(ref.name, object.TagRefs)) {
				queue = append(queue, l.id)
			}
		}
	}

	return nil
}

// hitsBelow lists the broken objects at and below a tree, with their paths. What is
// known of a tree is remembered, since most trees are in most commits.
func (w *checkWalker) hitsBelow(id object.Hash) ([]hit, error) {
	if found, known := w.hits[id]; known {
		return found, nil
	}
	var found []hit
	if w.broken[id] {
		found = append(found, hit{"", id})
	}
	w.hits[id] = found
	if w.catalog.find(id) < 0 {
		return found, nil
	}

	raw, err := w.read(id, "")
	if errors.Is(err, errBroken) || err == nil && raw.Kind != plumbing.TreeObject {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := object.DecodeTree(raw.Data)
	if err != nil {
		return found, nil // its form was reported
	}

	// One place of each: the same broken object may be in a million.
	known := map[object.Hash]bool{}
	add := func(path string, id object.Hash) {
		if !known[id] {
			known[id] = true
			found = append(found, hit{path, id})
		}
	}

	for _, e := range entries {
		switch {
		case e.IsDir():
			below, err := w.hitsBelow(e.ID)
			if err != nil {
				return nil, err
			}
			for _, h := range below {
				add("/"+e.Name+h.path, h.id)
			}
		case w.broken[e.ID]:
			add("/"+e.Name, e.ID)
		}
	}

	w.hits[id] = found
	return found, nil
}
