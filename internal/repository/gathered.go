package repository

import (
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

const (
	// passingLimit bounds what is remembered of states that lasted until the next change only, and passingStates how many of one object. What
	// is beyond is one change with the next.
	passingLimit  = 8 << 20
	passingStates = 16
	// gatheredFiles bounds of how many files it is remembered who changed them; of others nobody is known.
	gatheredFiles = 20_000
)

// gathered is what happened to one file since the last commit, oldest first. The last state is in the edit.
type gathered struct {
	states []state
}

// state is what a file was after one or more writes.
type state struct {
	// data is what it held, nil if it was gone; of the last state it is in the edit instead.
	data   []byte
	writes []actor.Change
}

// last returns the newest state.
func (g *gathered) last() *state { return &g.states[len(g.states)-1] }

// gather notes a write that changes a file, before that is among the changes. before is what the file held until
// then, nil if it was not there. The caller holds the lock.
//
// The first commit of a cluster is of nobody, so nothing is remembered until it is made.
func (w *Writer) gather(path string, before []byte, c actor.Change) {
	g := w.gathered[path]
	if g == nil {
		if len(w.files) == 0 || len(w.gathered) >= gatheredFiles || c.Event == audit.Listed && len(c.Wrote) == 0 && w.ledger == nil {
			return
		}
		writes := []actor.Change{c}
		if _, changed := w.changes[path]; changed {
			writes = []actor.Change{{}, c} // what changed it before was not remembered
		}
		w.gathered[path] = &gathered{states: []state{{writes: writes}}}
		return
	}
	last := g.last()
	if len(g.states) == passingStates || w.passing+len(before) > passingLimit || w.oneManager(last.writes, c) {
		last.writes = append(last.writes, c)
		return
	}
	w.passing += len(before)
	last.data = before
	g.states = append(g.states, state{writes: []actor.Change{c}})
}

// oneManager reports whether a write is certainly of the same client as those before it.
func (w *Writer) oneManager(writes []actor.Change, c actor.Change) bool {
	if w.ledger != nil {
		return false
	}
	_, known := actor.Resolve(c, nil).One()
	for _, before := range writes {
		known = known && len(before.Wrote) == 1 && before.Event != audit.Listed && before.Wrote[0] == c.Wrote[0]
	}
	return known
}

// held reads what a file that has changed already holds before it changes again, nil for other files.
func (w *Writer) held(path string) ([]byte, error) {
	w.mu.Lock()
	_, again := w.gathered[path]
	w.mu.Unlock()
	if !again {
		return nil, nil
	}
	return readOptional(w.edit.ReadFile(path))
}

// foldGathered makes one state of all that happened to each file, when it is based on another commit.
func (w *Writer) foldGathered() {
	for path, g := range w.gathered {
		if _, changes := w.changes[path]; !changes {
			delete(w.gathered, path)
			continue
		}
		folded := state{}
		for _, s := range g.states {
			folded.writes = append(folded.writes, s.writes...)
		}
		g.states = []state{folded}
	}
	w.passing = 0
}

// Attribute has the writer ask a ledger who made each change. It is called before the first change.
func (w *Writer) Attribute(ledger actor.Ledger) { w.ledger = ledger }

// write is what is known of the write that led to a result.
func (w *Writer) write(path string, result manifest.Result) actor.Change {
	c := w.changeOf(path, result.Manifest.ID, result.Revision)
	if !w.follows { // who lists once sees no write happen
		return c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Wrote = w.newest.See(path, result.Entry.Managers, c.Event != audit.Listed)
	if w.ledger != nil {
		for _, m := range result.Entry.Managers {
			c.Managers = append(c.Managers, audit.Manager{Name: m.Manager, Operation: m.Operation, Subresource: m.Subresource, Time: m.Time})
		}
	}
	return c
}

func (w *Writer) changeOf(path string, id appbur.ObjectID, by manifest.Revision) actor.Change {
	return actor.Change{Change: audit.Change{
		Tag: path, Event: by.Event, Group: id.Group, Kind: id.Kind, Namespace: id.Namespace, Name: id.Name, UID: by.UID,
		ResourceVersion: by.ResourceVersion, Seen: w.now(),
	}}
}

// MadePart is one commit, who is behind it and the writes that led to it.
type MadePart struct {
	Commit gitsync.Hash
	Who    actor.Who
	Writes []actor.Change
}

func madeOf(parts []part, commits []gitsync.Hash) []MadePart {
	var made []MadePart
	for i, p := range parts {
		if i >= len(commits) || commits[i].IsZero() {
			continue
		}
		m := MadePart{Commit: commits[i], Who: p.who}
		for _, s := range p.steps {
			m.Writes = append(m.Writes, s.writes...)
		}
		made = append(made, m)
	}
	return made
}

// Knows reports whether a commit says already who took part in a change.
func (m MadePart) Knows(who actor.Who) bool {
	return !slices.ContainsFunc(who.Actors, func(a actor.Actor) bool { return !slices.Contains(m.Who.Actors, a) })
}

// Undecided reports whether audit events may still prove who made one of the changes that wait.
func (w *Writer) Undecided() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ledger == nil {
		return false
	}
	for _, g := range w.gathered {
		for _, s := range g.states {
			for _, c := range s.writes {
				if c.Event == audit.Listed || c.UID == "" {
					continue
				}
				if _, proven := w.ledger.Who(c.Change); !proven {
					return true
				}
			}
		}
	}
	return false
}
