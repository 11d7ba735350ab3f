package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// Writer brings main up to what is seen of a cluster. Changes gather in memory
// until [Writer.Commit]. It may be used from several goroutines.
type Writer struct {
	repo    *Repository
	cluster appbur.Cluster
	rules   string
	// config is appbur.yaml as the sealer was made of it, whatever became of it since.
	config Config
	keys   *keyring.Keys
	guards Guards
	sealer *seal.Sealer
	edit   *gitsync.Edit
	dirs   *kindDirs

	// gate lets changes in together and a commit alone, so that what a commit says
	// it holds is what it holds.
	gate sync.RWMutex

	mu        sync.Mutex
	base      *gitsync.Snapshot
	files     map[string]struct{} // manifests in base
	changes   map[string]change   // by path, against base
	overrides []string

	// Who changed what: gathered has every file of changes that was seen to change, passing the size of what it
	// remembers, newest what tells field managers apart. ledger is nil where no audit events are collected.
	gathered map[string]*gathered
	passing  int
	newest   *actor.Newest
	ledger   actor.Ledger
	now      func() time.Time

	// What rebase.go goes by. whole are the kinds, by the last directory of their paths,
	// of which the writer was told everything there is; plain is what was sealed since
	// the last commit; own are files in which main has what others committed instead of
	// what this writer was told, nil where it was told that there is none.
	follows   bool
	whole     map[string]bool
	plain     map[string]plainManifest
	plainSize int
	own       map[string][]byte
}

type change int

const (
	added change = iota
	changed
	removed
)

// Begin starts to write on top of main. It refuses another cluster than the
// repository's own ([Guards]).
func (r *Repository) Begin(cluster appbur.Cluster, rules string, keys *keyring.Keys, guards Guards, random io.Reader,
	now func() time.Time,
) (*Writer, error) {
	if err := guards.checkCluster(r.config.Cluster.ID, cluster); err != nil {
		return nil, err
	}
	sealer, err := seal.NewSealer(r.config.Recipients, keys.FingerprintKey(), random, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", appbur.RepositoryFile, err)
	}
	w := &Writer{
		repo: r, cluster: cluster, rules: rules, config: r.config, keys: keys, guards: guards, sealer: sealer,
		files: map[string]struct{}{}, changes: map[string]change{},
		whole: map[string]bool{}, plain: map[string]plainManifest{}, own: map[string][]byte{},
		gathered: map[string]*gathered{}, newest: actor.NewNewest(), now: now,
	}

	// The commit that is judged is the one that is built on, and says what the caller read
	// its rules from.
	tip, accepted, err := r.guardHistory(keys, guards.AcceptHistory)
	if err != nil {
		return nil, err
	}
	if err := r.refresh(tip); err != nil {
		return nil, err
	}
	w.config = r.config
	if err := guards.checkCluster(r.config.Cluster.ID, cluster); err != nil {
		return nil, err
	}

	if accepted != "" {
		w.overrides = append(w.overrides, accepted)
	}
	if guards.AdoptCluster && r.config.Cluster.ID != "" && r.config.Cluster.ID != cluster.ID {
		w.overrides = append(w.overrides, "adopted this cluster after "+r.config.Cluster.ID)
	}
	if w.base, err = r.git.Snapshot(tip); err != nil {
		return nil, err
	}
	if w.edit, err = r.git.Edit(tip); err != nil {
		return nil, err
	}

	w.dirs = newKindDirs(w.base)
	err = w.base.Walk("", func(path string, _ gitsync.Hash) error {
		if appbur.IsManifestPath(path) {
			w.files[path] = struct{}{}
			w.dirs.saw(path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Put takes what became of one object: its manifest is written, sealed first if
// it is sensitive; an object that is no longer saved is removed. An object that
// cannot be saved, for a reason that is its own, is an [appbur.ObjectError]: what its
// file was stays, and the writer goes on with others.
func (w *Writer) Put(result manifest.Result) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if result.Failure != nil {
		return &appbur.ObjectError{ID: result.Manifest.ID, Err: result.Failure}
	}
	path := w.dirs.path(result.Manifest.ID)
	by := w.write(path, result)
	if !result.Decision.Saved {
		return w.remove(path, by)
	}
	data := result.Manifest.Data
	before, err := w.held(path)
	if err != nil {
		return putError(result.Manifest.ID, err)
	}

	if result.Manifest.Sensitive {
		previous, err := w.edit.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return putError(result.Manifest.ID, err)
		}
		if data, err = w.sealer.SealManifestPaths(data, previous, result.Manifest.SecretPaths); err != nil {
			return &appbur.ObjectError{ID: result.Manifest.ID, Err: err}
		}
	}

	differs, err := w.edit.Put(path, data)
	if err != nil {
		return putError(result.Manifest.ID, err)
	}
	if !differs {
		return nil
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	if result.Manifest.Sensitive {
		w.keepPlain(path, plainManifest{result.Manifest.Data, result.Manifest.SecretPaths})
	}
	w.gather(path, before, by)
	if _, existed := w.files[path]; existed {
		w.changes[path] = changed
	} else {
		w.changes[path] = added
	}
	return nil
}

// putError tells what is wrong with one object from what is wrong with the
// repository.
func putError(id appbur.ObjectID, err error) error {
	if errors.Is(err, gitsync.ErrPath) || errors.Is(err, gitsync.ErrPathConflict) {
		return &appbur.ObjectError{ID: id, Err: err}
	}
	return fmt.Errorf("%s: %w", id, err)
}

// Delete removes the manifest of an object that is known to be gone.
func (w *Writer) Delete(id appbur.ObjectID, by manifest.Revision) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	path := w.dirs.path(id)
	w.mu.Lock()
	w.newest.Forget(path)
	w.mu.Unlock()
	return w.remove(path, w.changeOf(path, id, by))
}

func (w *Writer) remove(path string, by actor.Change) error {
	before, err := w.held(path)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	existed, err := w.edit.Remove(path)
	if err != nil || !existed {
		return err
	}
	w.forgetPlain(path)
	w.gather(path, before, by)
	if _, inBase := w.files[path]; inBase {
		w.changes[path] = removed
	} else {
		delete(w.changes, path)
	}
	return nil
}

// KeepOnly removes the manifests of a kind that a complete list did not contain.
// present holds the paths ([appbur.ObjectID.Path]) of those that it did.
func (w *Writer) KeepOnly(gk appbur.GroupKind, present map[string]struct{}) error {
	own, usual, rival := w.dirs.of(gk), typeLeaf(gk), rivalLeaf(gk)
	err := w.removeWhere(func(path string) bool {
		switch leafOf(path) {
		case own:
			if own != usual {
				path = usualPath(path, gk)
			}
			_, kept := present[path]
			return !kept
		case rival: // it lay there when another kind had its directory
			return true
		default:
			return false
		}
	})
	if err != nil {
		return err
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole[own] = true
	return nil
}

func (w *Writer) removeWhere(gone func(path string) bool) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	for _, path := range w.paths() {
		if gone(path) {
			if err := w.remove(path, actor.Change{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// AllowCollapse switches the guard against a collapse off or on for the commits that follow.
func (w *Writer) AllowCollapse(allowed bool) {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.guards.AllowCollapse = allowed
}

// Changed reports whether there is something to commit.
func (w *Writer) Changed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.changes) > 0
}

// Empty reports whether main holds no manifest.
func (w *Writer) Empty() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.files) == 0
}

// Outcome says what a commit did.
type Outcome struct {
	// Commit is the tip of main, new or old.
	Commit gitsync.Hash
	// Committed is false when nothing had changed.
	Committed bool
	// Subject is that of the commit; it names what changed if that is little.
	Subject                 string
	Added, Changed, Removed int
	// Objects counts the manifests that the writer was told of, Own included.
	Objects int
	// Own are the files in which main holds what another writer committed meanwhile
	// instead of what this one saw, nil for one that this one saw gone.
	Own map[string][]byte
	// Parts are the commits that were made, oldest first.
	Parts []MadePart
	// Unseen is why the tip could not be remembered in the key directory, for example
	// because that is read-only. The commit is done all the same.
	Unseen error
}

// Overrides are the guards that were overruled and that no commit records yet,
// because nothing had changed.
func (w *Writer) Overrides() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.overrides)
}

// Commit writes the gathered changes as one commit on main and starts to gather
// anew. Without a change there is no commit. Guards run first; what they
// refuse stays gathered. If others have committed meanwhile, it goes on from there.
func (w *Writer) Commit(ctx context.Context, at time.Time, coverage appbur.Coverage) (Outcome, error) {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	outcome, err := w.tryCommit(ctx, w.repo.git, at, coverage)
	if !errors.Is(err, gitsync.ErrRefMoved) {
		return outcome, err
	}

	turn, err := w.repo.git.TakeTurn(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer turn.Release()
	for attempt := 0; ; attempt++ {
		if err := w.rebase(); err != nil {
			return Outcome{}, err
		}
		outcome, err := w.tryCommit(ctx, turn, at, coverage)
		if !errors.Is(err, gitsync.ErrRefMoved) || attempt == rebases {
			return outcome, err
		}
	}
}

// committer makes commits: a repository, or a turn of its own in one.
type committer interface {
	Commit(ctx context.Context, ref string, e *gitsync.Edit, c gitsync.CommitInfo) (gitsync.Hash, error)
	CommitSeries(ctx context.Context, ref string, e *gitsync.Edit, parts []gitsync.Part) ([]gitsync.Hash, error)
}

func (w *Writer) tryCommit(ctx context.Context, git committer, at time.Time, coverage appbur.Coverage) (Outcome, error) {
	list, err := w.listChanges()
	if err != nil {
		return Outcome{}, err
	}
	overrides := w.overrides
	limits := w.config.limits()
	if err := w.guards.checkCollapse(limits, w.files, len(list.added), list.removed); err != nil {
		return Outcome{}, err
	}
	if err := w.guards.checkHollow(limits, w.files, list.removed, list.hollow); err != nil {
		return Outcome{}, err
	}

	if (Guards{}).checkHollow(limits, w.files, list.removed, list.hollow) != nil {
		overrides = append(overrides, fmt.Sprintf("allowed %d of %d objects to lose most of their content", len(list.hollow), len(w.files)))
	}
	if (Guards{}).checkCollapse(limits, w.files, len(list.added), list.removed) != nil {
		overrides = append(overrides, fmt.Sprintf("allowed %d of %d objects to go", len(list.removed), len(w.files)))
	}
	config := w.config

	config.Cluster = ClusterConfig{ID: w.cluster.ID, Version: w.cluster.Version.String()}
	config.Rules = w.rules
	encoded, err := config.encode()
	if err != nil {
		return Outcome{}, err
	}
	if _, err := w.edit.Put(appbur.RepositoryFile, encoded); err != nil {
		return Outcome{}, err
	}

	parts := w.parts(list)
	if len(parts) == 0 {
		parts = []part{{who: actor.Who{Source: actor.Unresolved}}} // what is known of the cluster is another
	}
	series := make([]gitsync.Part, len(parts))
	for i, p := range parts {
		said := trailers(w.cluster, w.rules, coverage, nil)
		if i == len(parts)-1 {
			said = append(said, overrideTrailers(overrides...)...)
		}
		series[i] = p.gitPart(w, at, said)
	}
	commits, err := git.CommitSeries(ctx, gitsync.MainRef, w.edit, series)
	if err != nil && !errors.Is(err, gitsync.ErrUnchanged) {
		return Outcome{}, err
	}
	config.text = encoded
	commit := w.edit.Base()
	w.config, w.repo.config, w.repo.tip = config, config, commit
	outcome, settleErr := w.settle(commit, err == nil, list, at)
	outcome.Parts = madeOf(parts, commits)
	return outcome, settleErr
}

// settle starts to gather anew after a commit, or after it was found that there is
// nothing to commit.
func (w *Writer) settle(commit gitsync.Hash, committed bool, list changes, at time.Time) (outcome Outcome, err error) {
	outcome = Outcome{Commit: commit, Committed: committed, Own: w.own}
	outcome.Unseen = w.repo.Remember(w.keys.Dir, commit, at)
	if committed {
		outcome.Subject = list.subject()
		outcome.Added, outcome.Changed, outcome.Removed = len(list.added), len(list.changed), len(list.removed)
		if w.base, err = w.repo.git.Snapshot(commit); err != nil {
			return Outcome{}, err
		}
		w.overrides = nil
	}
	for _, path := range list.added {
		w.files[path] = struct{}{}
	}
	for _, path := range list.removed {
		delete(w.files, path)
	}

	outcome.Objects = len(w.files)
	for path, data := range w.own {
		switch _, onMain := w.files[path]; {
		case onMain && data == nil:
			outcome.Objects--
		case !onMain && data != nil:
			outcome.Objects++
		}
	}
	w.changes, w.own = map[string]change{}, map[string][]byte{}
	w.plain, w.plainSize = map[string]plainManifest{}, 0
	w.gathered, w.passing = map[string]*gathered{}, 0
	return outcome, nil
}

// listChanges sorts the gathered changes by what they are, and leaves out files
// that came back to what they were.
func (w *Writer) listChanges() (changes, error) {
	var list changes
	for path, what := range w.changes {
		switch what {
		case added:
			list.added = append(list.added, path)
		case removed:
			list.removed = append(list.removed, path)
		case changed:
			before, err := w.base.ReadFile(path)
			if err != nil {
				return changes{}, err
			}
			after, err := w.edit.ReadFile(path)
			if err != nil {
				return changes{}, err
			}
			if !bytes.Equal(before, after) {
				list.changed = append(list.changed, path)
				if hollowed(before, after) {
					list.hollow = append(list.hollow, path)
				}
			}
		}
	}

	return list, nil
}
