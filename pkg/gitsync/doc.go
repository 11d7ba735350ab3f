// Package gitsync keeps files in a bare Git repository and reads them back. It
// knows Git and nothing of Kubernetes.
//
// There is no worktree and no index file. An [Edit] is a tree in memory over a
// base commit; it loads only the directories it touches, so that a commit costs
// what changed and not what exists. A [Snapshot] is the tree of one commit.
//
// The usual way in is [Open], then [Repository.Edit], [Edit.Put] for every file,
// and [Repository.Commit]. A restore point is [Repository.CommitAndTag]. Reading
// is [Repository.Snapshot], [Snapshot.ReadFile] and, for many files,
// [Snapshot.ReadAll]. The past is [Repository.Walk], which lists the commits that
// change certain files, and [Repository.Blame]. A repository that lives for long is
// kept small by [Repository.Maintain].
// [Check] looks at every byte of a repository, sound or not.
//
// Copies elsewhere are [Repository.Push], [Repository.Compare] and [Clone]; what
// stops one is a [RemoteState].
//
// # Promises
//
//   - One pack per commit, complete and fsynced, before the ref moves. A process or
//     a machine that dies at any moment leaves the ref at the old commit or at
//     the new one, and every object of either readable. What is left behind is at
//     most a pack that nothing refers to, and an unfinished file that the next
//     writer removes.
//   - An edit holds a bounded amount of new content in memory. The rest is in the
//     pack that its commit will publish, so content of any size streams through.
//     Content that the repository has already is not written again.
//   - The number of packs stays small: commits roll small packs up as they go. No
//     pack is removed before all that it holds is durable and indexed elsewhere.
//   - A disk that is full, or a file system that is read-only, is an error of its
//     own ([ErrNoSpace], [ErrReadOnly]); the repository stays intact, and the same
//     edit can be committed once there is room.
//   - A ref moves by compare-and-swap, under the same lock file that stock git
//     uses, and is deleted in the same way ([Repository.DeleteRefs]). Nothing is ever
//     forced: [ErrRefMoved] means that no work is lost.
//   - The same files make the same tree, in whatever order they were put. An edit
//     that ends where it began makes no commit.
//   - Trees, commits and tags are what git itself would write: `git fsck --strict`
//     accepts them, and `git verify-commit` and `git verify-tag` accept their
//     signatures.
//   - Everything is safe for concurrent use. Reading and writing go on while this
//     package or stock git repacks and prunes the same repository, even without a time
//     of grace: what no ref leads to yet is held ([Repository.Pin], [Edit.Borrow]).
//   - Every pack, index and ref that stock git writes in a SHA-1 repository with refs in
//     files is read, whatever its files are called.
//   - Walk and Blame answer as `git log -- PATH` and `git blame` do, merges included,
//     and cost a look at the directories along the path for each commit.
//   - A push is one session in which the remote compares old values itself. What is
//     sent is what the remote lacks; nothing is ever forced; a peer that does
//     nothing is noticed; when the end is unclear the remote is read again.
//   - Credentials are in no URL, no error and no output. An unknown SSH host is
//     refused.
//   - Every object that is read is hashed again, so rotten or forged bytes are an
//     error and not a restore.
//
// # Refusals
//
// The package writes regular files only: no symbolic links, no submodules, no
// executable bits. It refuses paths that git or a file system would refuse or
// read as something else. It does not open SHA-256 or reftable repositories,
// partial clones or repositories with a worktree. It never deletes an object,
// unless [Repository.Maintain] is asked to prune: then those that no ref needs and
// no process has used for the given time.
//
// It runs on Unix, because the writer lock is flock.
package gitsync
