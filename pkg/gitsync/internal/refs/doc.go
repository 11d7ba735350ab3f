// Package refs reads, moves and deletes the refs of a repository that keeps them in files:
// one file for each, and packed-refs.
//
// The usual way in is a Store: Resolve for one ref, List for many, Move and Delete to
// change them. A ref moves by compare-and-swap under the lock file that stock git uses, and
// is durable when Move returns. A writer that dies leaves each ref at its old or its new
// object; RecoverLocks removes the locks that it held and leaves those of git alone.
//
// It refuses names that `git check-ref-format` refuses. It knows no objects: whether what
// a ref names exists is the caller's matter.
//
// The formats are those of git: gitrepository-layout, git-pack-refs, git-check-ref-format.
package refs
