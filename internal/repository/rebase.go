package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// rebases bounds how often one commit begins anew because others were faster. The first
// time it takes its turn, so after that it can only be a push by git.
const rebases = 10

// Follow says that the writer receives every change of the cluster as it happens.
// Where another writer has committed something else, what this one knows is then the
// newer, and is kept. A writer that only lists the cluster once yields: what others
// committed meanwhile may be newer than its list.
func (w *Writer) Follow() { w.follows = true }

// Doubt says that what the writer was told of a kind may be old, until it is told all
// of it again ([Writer.KeepOnly]).
func (w *Writer) Doubt(gk appbur.GroupKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.whole, w.dirs.of(gk))
}

// rebase goes on from another tip of main than the edit began with. Writers of one
// repository look at the same cluster, so their changes go together file by file; what
// only others changed stays as they left it. The caller holds the gate and the lock.
func (w *Writer) rebase() error {
	tip, err := w.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		return err
	}
	config, err := w.sameLine(tip)
	if err != nil {
		return err
	}
	foreign, err := w.repo.git.Diff(w.edit.Base(), tip)
	if err != nil {
		return err
	}
	theirs, err := w.repo.git.Snapshot(tip)
	if err != nil {
		return err
	}
	edit, err := w.repo.git.Edit(tip)
	if err != nil {
		return err
	}

	m := merge{w: w, theirs: theirs, edit: edit, changes: map[string]change{}}
	if err := m.run(foreign); err != nil {
		edit.Discard()
		return fmt.Errorf("going on from the commit %s of another writer: %w", tip.Short(), err)
	}
	w.edit.Discard()
	w.base, w.edit, w.changes, w.config = theirs, edit, m.changes, config
	w.foldGathered()
	return nil
}

// sameLine refuses to go on from a tip that does not continue what was begun on: main
// leads back to the base, nobody without trust has changed it, and the configuration says
// what it said. What was sealed is sealed to the recipients that it named. It returns the
// configuration as it is there.
func (w *Writer) sameLine(tip gitsync.Hash) (Config, error) {
	descends, err := w.repo.git.Between(tip, w.edit.Base(), func(gitsync.Commit) error { return nil })
	if err != nil {
		return Config{}, err
	}
	if !descends {
		return Config{}, because(ReasonRewritten, fmt.Errorf("%w: main is at %s, which does not lead back to %s, where this began", ErrRewritten,
			tip.Short(), w.edit.Base().Short()))
	}
	config, err := w.repo.configAt(tip)
	if err != nil {
		return Config{}, err
	}
	if err := w.guards.checkCluster(config.Cluster.ID, w.cluster); err != nil {
		return Config{}, err
	}

	if err := w.config.demandSame(config); err != nil {
		return Config{}, err
	}
	if _, _, err := w.repo.guardHistory(w.keys, w.guards.AcceptHistory); err != nil {
		return Config{}, err
	}
	return config, w.repo.guardPolicy(w.keys, tip) // main may have gone on since
}

// merge puts the changes of a writer on top of what others committed.
type merge struct {
	w       *Writer
	theirs  *gitsync.Snapshot
	edit    *gitsync.Edit
	changes map[string]change
}

func (m *merge) run(foreign []gitsync.Change) error {
	met := map[string]bool{}
	for _, f := range foreign {
		if !appbur.IsManifestPath(f.Path) {
			continue
		}
		met[f.Path] = true
		if err := m.meet(f); err != nil {
			return err
		}
	}

	for path := range m.w.changes {
		if met[path] {
			continue
		}
		data, err := m.w.view(path)
		if err != nil {
			return err
		}
		if err := m.set(path, data); err != nil {
			return err
		}
	}

	return nil
}

// meet decides about a file that others changed.
func (m *merge) meet(f gitsync.Change) error {
	if f.To.IsZero() {
		delete(m.w.files, f.Path)
	} else {
		m.w.files[f.Path] = struct{}{}
	}
	if !m.w.knows(f.Path) {
		delete(m.w.own, f.Path)
		return nil
	}

	// What both sealed of the same content is the same.
	theirs, err := readOptional(m.theirs.ReadFile(f.Path))
	if err != nil {
		return err
	}
	ours, err := m.w.view(f.Path)
	if err != nil {
		return err
	}
	if plain, kept := m.w.plain[f.Path]; kept && ours != nil && theirs != nil {
		if ours, err = m.w.sealer.SealManifestPaths(plain.data, theirs, plain.secret); err != nil {
			return err
		}
	}
	switch {
	case bytes.Equal(ours, theirs):
		delete(m.w.own, f.Path)
		return nil
	case m.w.follows:
		return m.set(f.Path, ours)
	}
	m.w.own[f.Path] = ours
	return nil
}

// set makes a file what the writer knows, nil if it is gone.
func (m *merge) set(path string, data []byte) error {
	_, existed := m.w.files[path]
	if data == nil {
		if existed {
			m.changes[path] = removed
		}
		_, err := m.edit.Remove(path)
		return err
	}

	m.changes[path] = added
	if existed {
		m.changes[path] = changed
	}
	_, err := m.edit.Put(path, data)
	return err
}

// knows reports whether the writer has an opinion about a file, be it that there is
// none.
func (w *Writer) knows(path string) bool {
	_, changes := w.changes[path]
	_, yielded := w.own[path]
	return changes || yielded || w.whole[leafOf(path)]
}

// view returns a file as the writer has it, nil if it has none.
func (w *Writer) view(path string) ([]byte, error) {
	if data, ok := w.own[path]; ok {
		return data, nil
	}
	return readOptional(w.edit.ReadFile(path))
}

func readOptional(data []byte, err error) ([]byte, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// plainManifest is what was sealed into a file that no commit holds yet.
type plainManifest struct {
	data   []byte
	secret [][]string
}

// plainLimit bounds what is remembered of it. What is beyond is sealed twice where two
// writers meet, and appears as changed although nothing has.
const plainLimit = 16 << 20

func (w *Writer) keepPlain(path string, p plainManifest) {
	w.forgetPlain(path)
	if w.plainSize+len(p.data) > plainLimit {
		return
	}
	w.plain[path] = p
	w.plainSize += len(p.data)
}

func (w *Writer) forgetPlain(path string) {
	w.plainSize -= len(w.plain[path].data)
	delete(w.plain, path)
}
