package gitsync

import (
	"bytes"
	"container/heap"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Commit is a commit as it is stored.
type Commit struct {
	Hash      Hash
	Tree      Hash
	Parents   []Hash
	Author    Person
	Committer Person
	// Authored and Time are the author's and the committer's time.
	Authored time.Time
	Time     time.Time
	Message  string
	// Trailers are those at the end of the message.
	Trailers []Trailer
	// Payload is what was signed and Signature the armored signature, nil if
	// there is none.
	Payload   []byte
	Signature []byte
}

// Subject returns the first line of the message.
func (c Commit) Subject() string {
	subject, _, _ := strings.Cut(c.Message, "\n")
	return subject
}

// ReadCommit returns one commit.
func (r *Repository) ReadCommit(h Hash) (Commit, error) {
	data, err := r.objects.readAs(h, plumbing.CommitObject)
	if err != nil {
		return Commit{}, err
	}
	c, err := parseCommit(data)
	if err != nil {
		return Commit{}, fmt.Errorf("commit %s: %w", h, err)
	}
	c.Hash = h
	return c, nil
}

// parseCommit reads the bytes of a commit. The payload is cut out of those very
// bytes and not encoded again, so that what is verified is what is stored.
func parseCommit(data []byte) (Commit, error) {
	var c Commit
	var err error
	rest := data
	signed := false

	for len(rest) > 0 && rest[0] != '\n' {
		end := headerEnd(rest)
		key, value, _ := strings.Cut(strings.TrimSuffix(string(rest[:end]), "\n"), " ")
		switch key {
		case "tree":
			c.Tree, err = ParseHash(value)
		case "parent":
			var parent Hash
			parent, err = ParseHash(value)
			c.Parents = append(c.Parents, parent)
		case "author":
			c.Author, c.Authored, err = parseIdentity(value)
		case "committer":
			c.Committer, c.Time, err = parseIdentity(value)
		case signatureKey:
			signed = true
			c.Signature = []byte(strings.ReplaceAll(value, "\n ", "\n") + "\n")
		}
		if err != nil {
			return Commit{}, fmt.Errorf("%w: header %s: %w", ErrCorrupt, key, err)
		}
		if key != signatureKey {
			c.Payload = append(c.Payload, rest[:end]...)
		}
		rest = rest[end:]
	}

	if c.Tree.IsZero() || len(rest) == 0 {
		return Commit{}, fmt.Errorf("%w: no tree or no message", ErrCorrupt)
	}
	c.Payload = append(c.Payload, rest...)
	if !signed {
		c.Payload = nil
	}
	c.Message = string(rest[1:])
	c.Trailers = parseTrailers(c.Message)
	return c, nil
}

// headerEnd returns the length of the first header with its continuation lines.
func headerEnd(data []byte) int {
	for at := 0; ; {
		newline := bytes.IndexByte(data[at:], '\n')
		if newline < 0 {
			return len(data)
		}
		at += newline + 1
		if at >= len(data) || data[at] != ' ' {
			return at
		}
	}
}

// Log yields the commits that can be reached from one, newest first by committer
// time, never a commit before its children when the times agree with history. A
// limit of zero or less means all.
func (r *Repository) Log(from Hash, limit int) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		seen := map[Hash]bool{}
		queue := &byTime{}
		push := func(h Hash) error {
			if seen[h] {
				return nil
			}
			seen[h] = true
			c, err := r.ReadCommit(h)
			if err == nil {
				heap.Push(queue, c)
			}
			return err
		}

		err := push(from)
		for n := 0; err == nil && queue.Len() > 0 && (limit <= 0 || n < limit); n++ {
			c := heap.Pop(queue).(Commit)
			if !yield(c, nil) {
				return
			}
			if limit > 0 && n+1 == limit {
				return // the parents are not asked for
			}

			for _, parent := range c.Parents {
				if err = push(parent); err != nil {
					break
				}
			}
		}

		if err != nil {
			yield(Commit{}, err)
		}
	}
}

// byTime is a heap of commits, newest first.
type byTime []Commit

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return q[i].Time.After(q[j].Time) }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements [heap.Interface].
func (q *byTime) Push(x any) { *q = append(*q, x.(Commit)) }

// Pop implements [heap.Interface].
func (q *byTime) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
