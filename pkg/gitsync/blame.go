package gitsync

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/internal/linediff"
)

// BlameLine is one line of a file and where it comes from.
type BlameLine struct {
	// Commit wrote the line, at Path, where it was line Number, counted from 1.
	Commit Hash
	Path   string
	Number int
	// Text is the line with its line break; the last line may have none.
	Text []byte
}

// Blame says which commit wrote each line of a file as it is in one commit. It
// answers as `git blame` does for a file that was never renamed. paths are the names
// that the file may have had, none of them guessed: where one disappears and another
// appears, its lines are followed. The file is the first of them that exists; if none
// does, the error wraps [fs.ErrNotExist].
//
// The commits are those that wrote lines.
func (r *Repository) Blame(ctx context.Context, from Hash, paths ...string) ([]BlameLine, map[Hash]Commit, error) {
	patterns := make([]Pattern, len(paths))
	for i, path := range paths {
		patterns[i] = ExactPath(path)
	}
	w := newWalker(r, patterns)
	defer w.reader.Close()
	b := &blamer{walker: w, paths: paths, suspects: map[Hash]map[string][]blamed{}, commits: map[Hash]Commit{}, texts: map[Hash][][]byte{}}
	if err := b.start(from); err != nil {
		return nil, nil, fmt.Errorf("blame: %w", err)
	}

	for w.queue.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := b.visit(w.pop()); err != nil {
			return nil, nil, fmt.Errorf("blame: %w", err)
		}
	}

	return b.lines, b.commits, nil
}

// blamed is a run of lines of the file that are known to be in a commit: where they
// begin in the end, where they begin there, and how many they are.
type blamed struct {
	final, start, count int
}

type blamer struct {
	*walker
	paths []string
	lines []BlameLine
	// suspects holds, for each commit, the runs by the path that the file has there.
	suspects map[Hash]map[string][]blamed
	commits  map[Hash]Commit
	// texts keeps the lines of the blobs that come next.
	texts map[Hash][][]byte
}

func (b *blamer) start(from Hash) error {
	c, err := b.reader.Commit(from)
	if err != nil {
		return err
	}
	b.push(c)
	file, ok, err := b.file(c, b.paths...)
	if err != nil {
		return err
	}

	if !ok {
		return fmt.Errorf("%s: %w", b.paths[0], fs.ErrNotExist)
	}
	text, err := b.text(file.ID)
	if err != nil {
		return err
	}
	b.lines = make([]BlameLine, len(text))
	for i, line := range text {
		b.lines[i].Text = line
	}
	b.suspects[from] = map[string][]blamed{file.path: {{0, 0, len(text)}}}
	return nil
}

// file returns the first of the paths that is a file in a commit.
func (b *blamer) file(c Commit, paths ...string) (chosenEntry, bool, error) {
	entries, err := b.chosen(c)
	if err != nil {
		return chosenEntry{}, false, err
	}
	for _, path := range paths {
		for _, e := range entries {
			if e.path == path && e.IsFile() {
				return e, true, nil
			}
		}
	}
	return chosenEntry{}, false, nil
}

func (b *blamer) text(id Hash) ([][]byte, error) {
	if text, ok := b.texts[id]; ok {
		return text, nil
	}
	data, err := b.reader.ReadAs(id, plumbing.BlobObject)
	if err != nil {
		return nil, err
	}
	text := linediff.Lines(data)
	b.texts[id] = text
	return text, nil
}

// visit hands the lines of a commit on to its parents; those that no parent has are
// its own.
func (b *blamer) visit(c Commit) error {
	byPath := b.suspects[c.Hash]
	delete(b.suspects, c.Hash)

	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		file, ok, err := b.file(c, path)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("commit %s: %s: %w", c.Hash, path, fs.ErrNotExist)
		}
		left, err := b.passOn(c, file, byPath[path])
		if err != nil {
			return err
		}
		for _, run := range left {
			b.commits[c.Hash] = c
			for i := range run.count {
				line := &b.lines[run.final+i]
				line.Commit, line.Path, line.Number = c.Hash, path, run.start+i+1
			}
		}
		delete(b.texts, file.ID)
	}

	return nil
}

// passOn hands runs to the parents that have them and returns the rest.
func (b *blamer) passOn(c Commit, file chosenEntry, left []blamed) ([]blamed, error) {
	var files []chosenEntry
	var parents []Commit

	for _, h := range c.Parents {
		parent, err := b.reader.Commit(h)
		if err != nil {
			return nil, err
		}
		before, ok, err := b.file(parent, append([]string{file.path}, b.paths...)...)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if before.ID == file.ID {
			// The very same file: nothing is this commit's, and no other parent is
			// asked.
			b.hand(parent, before.path, left)
			return nil, nil
		}
		files, parents = append(files, before), append(parents, parent)
	}

	for i, before := range files {
		if len(left) == 0 {
			break
		}
		old, err := b.text(before.ID)
		if err != nil {
			return nil, err
		}
		current, err := b.text(file.ID)
		if err != nil {
			return nil, err
		}
		var passed []blamed
		passed, left = divide(left, old, current)
		b.hand(parents[i], before.path, passed)
	}

	return left, nil
}

// hand makes a commit the suspect for runs.
func (b *blamer) hand(c Commit, path string, runs []blamed) {
	if len(runs) == 0 {
		return
	}
	if b.suspects[c.Hash] == nil {
		b.suspects[c.Hash] = map[string][]blamed{}
		delete(b.seen, c.Hash) // a child with a wrong clock may come after its parent
	}
	b.suspects[c.Hash][path] = append(b.suspects[c.Hash][path], runs...)
	b.push(c)
}

// divide cuts runs into those that an older text has, with their places there, and
// those that it has not.
func divide(runs []blamed, old, current [][]byte) (passed, left []blamed) {
	// Like git, blame looks at no more than the part in which two texts differ.
	tail := sharedTail(old, current)
	old, rest := old[:len(old)-tail], len(current)-tail
	hunks := linediff.Compare(old, current[:rest])

	take := func(run blamed, from, to, shift int, into *[]blamed) {
		from, to = max(from, run.start), min(to, run.start+run.count)
		if from < to {
			*into = append(*into, blamed{run.final + from - run.start, from + shift, to - from})
		}
	}

	for _, run := range runs {
		at := 0
		for _, h := range hunks {
			take(run, at, h.B, h.A-h.B, &passed)
			take(run, h.B, h.BEnd, 0, &left)
			at = h.BEnd
		}
		take(run, at, len(current), len(old)-rest, &passed)
	}

	return passed, left
}

// tailBlock is the size of the pieces in which git takes equal tails off before it
// compares (xdiff-interface.c). What is compared decides where equal lines are
// matched, so blame can only agree with git when it does the same.
const tailBlock = 1024

// sharedTail returns how many lines at the end of two texts need not be compared: complete
// blocks of equal bytes, less the rest of the line that the cut falls into.
func sharedTail(a, b [][]byte) int {
	lines, size := 0, 0
	for lines < min(len(a), len(b)) && bytes.Equal(a[len(a)-1-lines], b[len(b)-1-lines]) {
		size += len(a[len(a)-1-lines])
		lines++
	}

	if lines < min(len(a), len(b)) {
		x, y := a[len(a)-1-lines], b[len(b)-1-lines]
		for i := 1; i <= min(len(x), len(y)) && x[len(x)-i] == y[len(y)-i]; i++ {
			size++
		}
	}
	cut := size / tailBlock * tailBlock

	tail, behind := 0, 0
	for tail < lines {
		if behind += len(a[len(a)-1-tail]); behind >= cut {
			break
		}
		tail++
	}

	return tail
}
