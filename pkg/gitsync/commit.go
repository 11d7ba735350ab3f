package gitsync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Signer makes the armored signature of a commit or a tag, in any format that
// git knows: an SSH signature in the namespace "git", OpenPGP or X.509.
type Signer interface {
	Sign(message []byte) (armored []byte, err error)
}

// CommitInfo is what a commit says besides its tree.
type CommitInfo struct {
	Author    Person
	Committer Person
	// Time is the time of both. It is stored in seconds, with its zone.
	Time     time.Time
	Subject  string
	Body     string
	Trailers []Trailer
	// Signer signs the commit; nil leaves it unsigned.
	Signer Signer
	// Parents replaces the base of the edit as the only parent. It is for
	// histories that are joined; normally it is empty.
	Parents []Hash
	// AllowEmpty makes a commit although no file has changed, for what it says.
	AllowEmpty bool
}

// Commit makes a commit of the edit and moves the ref from the edit's base to it.
// The ref must exist at the base, or not exist if the base is empty; otherwise
// the error is [ErrRefMoved] and nothing is lost. If the edit's tree is that of
// its base there is no commit, unless AllowEmpty is set: Commit returns the base and
// [ErrUnchanged].
//
// When Commit returns a new hash, the commit is durable and the edit goes on from
// it. After any other error the edit is as it was.
func (r *Repository) Commit(ctx context.Context, ref string, e *Edit, c CommitInfo) (Hash, error) {
	turn, err := r.TakeTurn(ctx)
	if err != nil {
		return Hash{}, err
	}
	defer turn.Release()
	return turn.Commit(ctx, ref, e, c)
}

func (r *Repository) commit(ctx context.Context, ref string, e *Edit, c CommitInfo) (Hash, error) {
	return r.commitOn(ctx, ref, e.base, e, c)
}

// commitOn commits an edit on a ref that must be at a commit.
func (r *Repository) commitOn(ctx context.Context, ref string, at Hash, e *Edit, c CommitInfo) (Hash, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	unlock, err := r.lock(ctx)
	if err != nil {
		return Hash{}, err
	}
	defer unlock()
	if err := r.refs.Expect(ref, at); err != nil {
		return Hash{}, appbur.WithHint(err, "another writer committed; start again from its commit")
	}
	built, err := e.build()
	if err != nil {
		return Hash{}, fmt.Errorf("commit: %w", err)
	}

	if built.root == e.baseTree() && !c.AllowEmpty {
		e.settle(e.base)
		return e.base, ErrUnchanged
	}
	commit, err := newCommit(built.root, e.base, c)
	if err != nil {
		return Hash{}, fmt.Errorf("commit: %w", err)
	}

	if err := e.store(built, commit); err != nil {
		return Hash{}, pack.DiskError(r.dir, fmt.Errorf("commit: %w", err))
	}
	if err := r.refs.Move(ctx, ref, at, commit.ID); err != nil {
		return Hash{}, pack.DiskError(r.dir, fmt.Errorf("commit: %w", err))
	}
	e.settle(commit.ID)
	r.rollUp(ctx)
	return commit.ID, nil
}

// newCommit encodes, signs and compresses a commit.
func newCommit(tree, parent Hash, c CommitInfo) (pack.Object, error) {
	parents := c.Parents
	if len(parents) == 0 && !parent.IsZero() {
		parents = []Hash{parent}
	}
	var header strings.Builder
	fmt.Fprintf(&header, "tree %s\n", tree)

	for _, p := range parents {
		if p.IsZero() {
			return pack.Object{}, errors.New("parent: no object")
		}
		fmt.Fprintf(&header, "parent %s\n", p)
	}

	if c.Time.Unix() < 0 {
		return pack.Object{}, errors.New("git has no time before 1970")
	}
	fmt.Fprintf(&header, "author %s\n", object.FormatIdentity(c.Author, c.Time))
	fmt.Fprintf(&header, "committer %s\n", object.FormatIdentity(c.Committer, c.Time))
	message, err := object.FormatMessage(c.Subject, c.Body, c.Trailers)
	if err != nil {
		return pack.Object{}, err
	}
	signature := ""

	if c.Signer != nil {
		armored, err := c.Signer.Sign([]byte(header.String() + "\n" + message))
		if err != nil {
			return pack.Object{}, fmt.Errorf("sign: %w", err)
		}
		signature = object.SignatureHeader(armored)
	}

	return pack.NewObject(plumbing.CommitObject, []byte(header.String()+signature+"\n"+message))
}
