package restore

import (
	"cmp"
	"maps"
	"slices"
)

// strength is how strongly one step depends on another.
type strength int

const (
	// soft edges order two steps unless a stronger one contradicts.
	soft strength = iota
	// owning edges run from an owner to what it owns, which needs the uid of the owner
	// and can do without if there is none. A cycle of them is broken by linking one
	// owner later.
	owning
	// firm edges cannot be broken, and cannot form a cycle among themselves.
	firm
)

// node is a step while its place in the order is not known.
type node struct {
	step  *Step
	stage stage
	rank  int
	in    []edge
	// phase comes before stage: each phase goes through all stages.
	phase int

	// What follows is used during analysis. There are as many nodes as objects, so it is not in maps.

	component  int // which strongly connected component
	index, low int // discovery order, and the first node that is reached
	done       bool
	out        []*node // those that depend on it
	waiting    int     // on how many it still depends
}

type edge struct {
	from     *node
	strength strength
}

// after makes n depend on another node. Of two edges to one node the stronger stays.
func (n *node) after(from *node, s strength) {
	if from == nil || from == n {
		return
	}
	for i := range n.in {
		if n.in[i].from == from {
			n.in[i].strength = max(n.in[i].strength, s)
			return
		}
	}
	n.in = append(n.in, edge{from: from, strength: s})
}

// compare is the order of nodes that do not depend on each other. It is total,
// because one object has at most one step of each action.
func (n *node) compare(other *node) int {
	return cmp.Or(
		cmp.Compare(n.phase, other.phase),
		cmp.Compare(n.stage, other.stage),
		cmp.Compare(n.rank, other.rank),
		n.step.Object.Compare(other.step.Object),
		cmp.Compare(actionRank[n.step.Action], actionRank[other.step.Action]),
	)
}

// actionRank orders the steps of one object.
var actionRank = map[Action]int{
	ActionBarrier: 0, ActionPrepare: 1, ActionApply: 2, ActionWait: 3, ActionStatus: 4, ActionRelink: 5,
	ActionHandOver: 6, ActionKeep: 7, ActionSkip: 8, ActionBlocked: 9, ActionPrune: 10, ActionReady: 11,
}

// breakCycles removes edges until no cycle is left, and returns the owning edges
// it had to remove, as (owner, owned) pairs. Soft edges are removed first: they are about
// convenience. nodes must be sorted; the result then depends on nothing else.
func breakCycles(nodes []*node) [][2]*node {
	var late [][2]*node
	for {
		components := stronglyConnected(nodes)
		if len(components) == 0 {
			return late
		}

		for _, component := range components {
			if removeInside(component, soft) > 0 {
				continue
			}

			// Only owners and firm edges are left, and firm edges alone are
			// acyclic, so some node of the component is owned inside it.
			slices.SortFunc(component, (*node).compare)

			for _, n := range component {
				owners := ownersInside(n)
				if len(owners) == 0 {
					continue
				}
				for _, owner := range owners {
					late = append(late, [2]*node{owner, n})
				}
				n.in = slices.DeleteFunc(n.in, func(e edge) bool { return e.strength == owning && e.from.component == n.component })
				break
			}
		}
	}
}

func removeInside(component []*node, s strength) (removed int) {
	for _, n := range component {
		before := len(n.in)
		n.in = slices.DeleteFunc(n.in, func(e edge) bool { return e.strength == s && e.from.component == n.component })
		removed += before - len(n.in)
	}
	return removed
}

func ownersInside(n *node) []*node {
	var owners []*node
	for _, e := range n.in {
		if e.strength == owning && e.from.component == n.component {
			owners = append(owners, e.from)
		}
	}
	return owners
}

// stronglyConnected returns the components of more than one node (Tarjan, without
// recursion: chains of owners may be long), and marks every node with its own.
func stronglyConnected(nodes []*node) [][]*node {
	for _, n := range nodes {
		n.index, n.component = 0, 0
	}
	type frame struct {
		n    *node
		next int
	}

	var (
		found   [][]*node
		stack   []*node
		counter int
		number  int
	)

	for _, root := range nodes {
		if root.index != 0 {
			continue
		}
		frames := []frame{{n: root}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			n := f.n
			if f.next == 0 && n.index == 0 {
				counter++
				n.index, n.low = counter, counter
				stack = append(stack, n)
			}
			if f.next < len(n.in) {
				from := n.in[f.next].from
				f.next++
				switch {
				case from.index == 0:
					frames = append(frames, frame{n: from})
				case from.component == 0:
					n.low = min(n.low, from.index)
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				parent := frames[len(frames)-1].n
				parent.low = min(parent.low, n.low)
			}
			if n.low != n.index {
				continue
			}
			number++
			at := len(stack) - 1
			for stack[at] != n {
				at--
			}
			component := slices.Clone(stack[at:])
			stack = stack[:at]
			for _, member := range component {
				member.component = number
			}
			if len(component) > 1 {
				found = append(found, component)
			}
		}
	}

	return found
}

// raiseStages moves nodes to the stage of what they firmly depend on, where that
// is later than their own: what an admission webhook owns comes after webhooks.
// Soft edges to a later stage are then dropped. The graph must have no cycle.
func raiseStages(nodes []*node) {
	stack := slices.Clone(nodes)
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		if n.done {
			stack = stack[:len(stack)-1]
			continue
		}
		pending := false
		for _, e := range n.in {
			if e.strength != soft && !e.from.done {
				stack, pending = append(stack, e.from), true
			}
		}
		if pending {
			continue
		}
		for _, e := range n.in {
			if e.strength != soft && e.from.phase == n.phase {
				n.stage = max(n.stage, e.from.stage)
			}
		}
		n.done = true
		stack = stack[:len(stack)-1]
	}

	for _, n := range nodes {
		n.in = slices.DeleteFunc(n.in, func(e edge) bool { return e.strength == soft && e.from.phase == n.phase && e.from.stage > n.stage })
	}
}

// turn is when a step can come: a stage of a phase.
type turn struct {
	phase int
	stage stage
}

func (n *node) turn() turn { return turn{n.phase, n.stage} }

func (t turn) compare(o turn) int {
	return cmp.Or(cmp.Compare(t.phase, o.phase), cmp.Compare(t.stage, o.stage))
}

// addBarriers returns the nodes with one barrier before each stage of a phase but the first.
// A barrier comes after the last nodes of the stage before it, and before the
// first ones of its own; all others follow from these.
func addBarriers(nodes []*node) []*node {
	byTurn := make(map[turn][]*node)
	for _, n := range nodes {
		byTurn[n.turn()] = append(byTurn[n.turn()], n)
	}
	turns := slices.SortedFunc(maps.Keys(byTurn), turn.compare)

	for i := 1; i < len(turns); i++ {
		t := turns[i]
		if turns[i-1].phase != t.phase {
			continue // what is between phases is in phaseready.go
		}
		barrier := &node{phase: t.phase, stage: t.stage, rank: -1, step: &Step{Action: ActionBarrier, Why: barrierReasons[t.stage]}}
		for _, n := range leaves(byTurn[turns[i-1]]) {
			barrier.in = append(barrier.in, edge{from: n})
		}
		for _, n := range byTurn[t] {
			if !slices.ContainsFunc(n.in, func(e edge) bool { return e.from.turn() == t }) {
				n.in = append(n.in, edge{from: barrier})
			}
		}
		nodes = append(nodes, barrier)
	}

	return nodes
}

// leaves are the nodes that no other one of the same turn comes after.
func leaves(nodes []*node) []*node {
	inner := make(map[*node]bool)
	for _, n := range nodes {
		for _, e := range n.in {
			if e.from.turn() == n.turn() {
				inner[e.from] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return inner[n] })
}

// number puts the nodes into an order in which each comes after what it depends
// on, gives them ids, and returns the finished steps. The graph must have no cycle.
func number(nodes []*node) []*Step {
	ready := newQueue((*node).compare)
	for _, n := range nodes {
		n.waiting = len(n.in)
		for _, e := range n.in {
			e.from.out = append(e.from.out, n)
		}
		if len(n.in) == 0 {
			ready.push(n)
		}
	}

	steps := make([]*Step, 0, len(nodes))
	for ready.len() > 0 {
		n := ready.pop()
		n.step.ID = len(steps) + 1
		for _, e := range n.in {
			n.step.After = append(n.step.After, e.from.step.ID)
			if e.strength == firm {
				n.step.Needs = append(n.step.Needs, e.from.step.ID)
			}
		}
		slices.Sort(n.step.After)
		slices.Sort(n.step.Needs)
		steps = append(steps, n.step)
		for _, next := range n.out {
			if next.waiting--; next.waiting == 0 {
				ready.push(next)
			}
		}
	}

	return steps
}
