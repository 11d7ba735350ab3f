package fsck

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/format"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Kind says what sort of thing is wrong.
type Kind string

// The kinds of problems that [Run] finds.
const (
	// Format is a repository that does not have the shape of one.
	Format Kind = "format"
	// Pack is a pack whose bytes are not those that were written.
	Pack Kind = "pack"
	// PackIndex is a pack index that is damaged or speaks of another pack.
	PackIndex Kind = "pack-index"
	// Object is an object whose bytes do not have its name.
	Object Kind = "object"
	// Missing is an object that something refers to and that is not there.
	Missing Kind = "missing"
	// Form is an object that is what its name says and that git would not
	// have written: a tree out of order, a commit without an author.
	Form Kind = "form"
	// Limit is what claims to be larger than the limits of this copy allow. It was
	// not read.
	Limit Kind = "limit"
	// Ref is a ref that points nowhere or at something that it must not.
	Ref Kind = "ref"
)

// Problem is one thing that is wrong with a repository.
type Problem struct {
	Kind Kind
	// Object is what it is about, empty if it is about a file or a ref.
	Object object.Hash
	// Where is a path inside the repository's directory, or a ref.
	Where string
	What  string
	// Affects lists what cannot be read because of it, at most [maxAffected] of them.
	Affects []Affected
	// AffectsMore counts what Affects leaves out.
	AffectsMore int
}

// Affected is a place in the history that needs a damaged object.
type Affected struct {
	// Ref is the full name of the ref, Commit the newest of its commits that is hit.
	Ref    string
	Commit object.Hash
	// Path is the file or directory, empty for the commit or the tag itself.
	Path string
}

const (
	maxAffected = 20
	// maxProblems bounds a report: a lost pack can hit every object there is.
	maxProblems = 1000
)

// Options say how thoroughly to look.
type Options struct {
	// Quick looks only at whether everything that refs lead to is there: commits and
	// trees are read, files are not.
	Quick bool
	// Progress is called with how many objects of how many were looked at; it may be nil. It
	// may be called from several goroutines.
	Progress func(done, total int)
}

// Report says what was looked at and what is wrong with it.
type Report struct {
	Packs, Loose int
	// Objects counts those that were read.
	Objects  int
	Refs     int
	Problems []Problem
	// More counts problems beyond those listed.
	More int
}

// errChanged means that a pack vanished while it was checked: somebody repacked.
var errChanged = errors.New("the repository was repacked while it was checked")

// Run looks at every byte of a repository. It reads packs and indexes by itself,
// not through what [Open] reads with, and works on repositories that Open refuses.
// Writers may go on meanwhile.
//
// An error means that the check itself could not be done; what is wrong with the
// repository is in the report. Memory is about 40 bytes for each object, and some
// megabytes for each core.
func Run(ctx context.Context, dir string, o Options) (Report, error) {
	var report Report
	var err error
	for range 3 {
		report, err = checkOnce(ctx, dir, o)
		if !errors.Is(err, errChanged) {
			break
		}
	}
	if err != nil {
		return Report{}, fmt.Errorf("check %s: %w", dir, err)
	}
	return report, nil
}

func checkOnce(ctx context.Context, dir string, o Options) (Report, error) {
	c := &checker{dir: dir, options: o, broken: map[object.Hash]bool{}}
	if _, err := os.Stat(filepath.Join(dir, "objects")); errors.Is(err, fs.ErrNotExist) {
		return Report{}, format.NoRepository(dir)
	}
	_, limits, err := format.Read(dir)
	if err != nil {
		c.problem(Format, object.Hash{}, "config", "%v", err)
		limits = object.DefaultLimits
	}
	c.limits = limits

	// Refs before packs: what a ref names was durable before the ref was.
	if err := c.readRefs(); err != nil {
		return Report{}, err
	}
	if err := c.readCatalog(); err != nil {
		return Report{}, err
	}
	if !o.Quick {
		if err := c.readEverything(ctx); err != nil {
			return Report{}, err
		}
		c.judgeLinks()
	}
	c.checkRefs()

	if o.Quick || len(c.broken) > 0 {
		// Every object leads to objects that are there, so nothing that refs lead to can
		// be missing; only when something is wrong, or when files were not looked at,
		// must the way from the refs be walked.
		if err := c.walk(ctx); err != nil {
			return Report{}, err
		}
	}

	c.report.Problems = c.listed()
	return c.report, nil
}

// checker gathers what is known of one repository.
type checker struct {
	dir     string
	options Options
	limits  object.Limits
	refs    []checkedRef
	shallow map[object.Hash]bool
	packs   []*checkedPack
	catalog catalog
	dirs    []string

	mu       sync.Mutex
	report   Report
	problems []Problem
	// broken are objects that are missing, unreadable or of the wrong type.
	broken map[object.Hash]bool
	done   int
}

func (c *checker) problem(kind Kind, id object.Hash, where, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.problems) >= maxProblems {
		c.report.More++
		return
	}
	c.problems = append(c.problems, Problem{Kind: kind, Object: id, Where: where, What: fmt.Sprintf(format, args...)})
}

// brokenObject is problem for an object that nothing can be read from.
func (c *checker) brokenObject(kind Kind, id object.Hash, where, format string, args ...any) {
	c.mu.Lock()
	c.broken[id] = true
	c.mu.Unlock()
	c.problem(kind, id, where, format, args...)
}

// advance counts objects that were read.
func (c *checker) advance(n int) {
	c.mu.Lock()
	c.done += n
	c.report.Objects = c.done
	done, total := c.done, len(c.catalog.entries)
	c.mu.Unlock()
	if c.options.Progress != nil {
		c.options.Progress(done, total)
	}
}

// listed returns the problems in a stable order.
func (c *checker) listed() []Problem {
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Where, b.Where), bytes.Compare(a.Object[:], b.Object[:]))
	})
	return slices.CompactFunc(c.problems, func(a, b Problem) bool {
		return a.Kind == b.Kind && a.Where == b.Where && a.Object == b.Object && a.What == b.What
	})
}

// relative names a file as seen from the repository.
func (c *checker) relative(path string) string {
	if relative, err := filepath.Rel(c.dir, path); err == nil && !strings.HasPrefix(relative, "..") {
		return relative
	}
	return path
}

// readEverything proves every object and remembers what each leads to.
func (c *checker) readEverything(ctx context.Context) error {
	workers := runtime.GOMAXPROCS(0)
	if err := c.readPacks(ctx, workers); err != nil {
		return err
	}
	return c.readAllLoose(ctx)
}

// judgeLinks reports objects that something leads to and that are of another type.
// Those that are not there at all were reported when they were met.
func (c *checker) judgeLinks() {
	for i := range c.catalog.entries {
		mark := c.catalog.marks[i].Load()
		kind := plumbing.ObjectType(mark & markKind)
		if kind == 0 {
			continue // unreadable, and reported as that
		}
		for _, wanted := range linkKinds {
			if mark&wantedAs(wanted) != 0 && wanted != kind {
				id := c.catalog.entries[i].id
				c.brokenObject(Form, id, "", "it is a %s, and something refers to it as a %s", kind, wanted)
			}
		}
	}
	// An object that only unneeded objects refer to may be missing: git prunes
	// such things one after the other. The walk from the refs decides.
}
