package repository

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/pkg/gitsync"
)

// mostParts is how many commits are made at once. A cluster in which many people work at the same moment would otherwise have
// thousands a minute; the last one then names those who took part in it.
const mostParts = 32

// step is one change of one file, in the order in which they happened.
type step struct {
	path   string
	what   change
	final  bool
	data   []byte
	who    actor.Who
	writes []actor.Change
	// order is the resourceVersion, zero if unknown: such a change is older than what was watched.
	order uint64
}

// part is what one commit has.
type part struct {
	who   actor.Who
	list  changes
	steps []step
}

// parts cuts what is to be committed into commits of one actor each, as far as actors can be told apart, in the
// order of the resourceVersions. The caller holds the lock.
func (w *Writer) parts(list changes) []part {
	if len(w.files) == 0 {
		return []part{{who: actor.Who{Source: actor.Unresolved}, list: list}} // a cluster begins whole
	}
	steps := w.steps(list)
	who := make([]actor.Who, len(steps))
	for i, s := range steps {
		who[i] = s.who
	}

	var parts []part
	for _, run := range actor.Runs(who, mostParts) {
		p := part{who: run.Who, steps: steps[run.From:run.To]}
		p.list = listOf(p.steps, list.hollow)
		if p.list.count() > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// steps lists every state that each file had since the last commit.
func (w *Writer) steps(list changes) []step {
	var steps []step
	for _, s := range w.finals(list) {
		g := w.gathered[s.path]
		if g == nil {
			s.who = actor.Who{Source: actor.Unresolved} // nobody saw it happen
			steps = append(steps, s)
			continue
		}
		_, existed := w.files[s.path]
		order := uint64(0)
		for i, state := range g.states {
			one := step{
				path: s.path, final: i == len(g.states)-1, data: state.data, who: actor.ResolveAll(state.writes, w.ledger), writes: state.writes,
			}
			for _, c := range state.writes {
				order = max(order, version(c.ResourceVersion))
			}
			exists := state.data != nil
			if one.final {
				exists = s.what != removed
			}
			one.order, one.what = order, transition(existed, exists)
			existed = exists
			steps = append(steps, one)
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.order, b.order) })
	return steps
}

// finals are the changes as one commit would have them, by path.
func (w *Writer) finals(list changes) []step {
	var steps []step
	for what, paths := range map[change][]string{added: list.added, changed: list.changed, removed: list.removed} {
		for _, path := range paths {
			steps = append(steps, step{path: path, what: what, final: true, who: actor.Who{Source: actor.Unresolved}})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.path, b.path) })
	for i, s := range steps {
		if g := w.gathered[s.path]; g != nil {
			for _, state := range g.states {
				steps[i].writes = append(steps[i].writes, state.writes...)
			}
		}
	}
	return steps
}

func transition(existed, exists bool) change {
	switch {
	case !exists:
		return removed
	case existed:
		return changed
	default:
		return added
	}
}

// version is a resourceVersion as a number. Kubernetes compares them so as well: each write of a cluster has a greater one.
func version(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// listOf says what the steps of one commit come to.
func listOf(steps []step, hollow []string) changes {
	first, last := map[string]change{}, map[string]change{}
	for _, s := range steps {
		if _, again := first[s.path]; !again {
			first[s.path] = s.what
		}
		last[s.path] = s.what
	}
	var list changes
	for path, end := range last {
		existed, exists := first[path] != added, end != removed
		switch {
		case !existed && exists:
			list.added = append(list.added, path)
		case existed && exists:
			list.changed = append(list.changed, path)
		case existed:
			list.removed = append(list.removed, path)
		}
		if slices.Contains(hollow, path) {
			list.hollow = append(list.hollow, path)
		}
	}
	return list
}

// gitPart is a part for Git.
func (p part) gitPart(w *Writer, at time.Time, trailers []gitsync.Trailer) gitsync.Part {
	author := identity
	if one, known := p.who.One(); known {
		author.Name, author.Email = one.Person(w.cluster.ID)
	}
	made := gitsync.Part{CommitInfo: gitsync.CommitInfo{
		Author: author, Committer: identity, Time: at, Signer: w.keys.Signer(), Subject: p.list.subject(), Body: p.list.body(),
		Trailers: slices.Concat(trailers, actorTrailers(p.who, w.cluster.ID), p.unproven(w), []gitsync.Trailer{{
			Key:   trailerObjects,
			Value: fmt.Sprintf("added=%d changed=%d removed=%d", len(p.list.added), len(p.list.changed), len(p.list.removed)),
		}}),
	}}

	passing := map[string][]byte{}
	for _, s := range p.steps {
		delete(passing, s.path)
		if s.final {
			made.Final = append(made.Final, s.path)
		} else {
			passing[s.path] = s.data
		}
	}
	made.Passing = passing
	return made
}
