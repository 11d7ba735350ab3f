package restore

import "slices"

// orderGraph is the order of the steps of a plan, for those who draw it.
type orderGraph struct {
	steps []*Step
	// before are, for each step without an object, such as a barrier, all steps that come before
	// it. Barriers come after thousands of steps, and thousands after them, so that nobody goes
	// through them twice.
	before map[int][]bool
}

func newOrderGraph(steps []*Step) *orderGraph {
	g := &orderGraph{steps: steps, before: make(map[int][]bool)}
	for i := range steps {
		if s := steps[i]; !s.Action.HasObject() {
			seen := make([]bool, s.ID)
			g.mark(s, 1, seen)
			g.before[s.ID] = seen
		}
	}
	return g
}

// mark marks what a step comes after, down to an id.
func (g *orderGraph) mark(s *Step, least int, seen []bool) {
	for _, id := range s.After {
		if id < least || seen[id] {
			continue
		}
		seen[id] = true
		if known, ok := g.before[id]; ok {
			for earlier := least; earlier < len(known); earlier++ {
				seen[earlier] = seen[earlier] || known[earlier]
			}
			continue
		}
		g.mark(g.steps[id-1], least, seen)
	}
}

// after returns what a step comes after, without what it needs and without what one of the others
// comes after anyway.
func (g *orderGraph) after(s *Step) []int {
	if len(s.After) == 0 {
		return nil
	}
	least := slices.Min(s.After)
	implied := make([]bool, s.ID)
	for _, id := range s.After {
		if known, ok := g.before[id]; ok {
			for earlier := least; earlier < len(known); earlier++ {
				implied[earlier] = implied[earlier] || known[earlier]
			}
			continue
		}
		g.mark(g.steps[id-1], least, implied)
	}
	return slices.DeleteFunc(slices.Clone(s.After), func(id int) bool { return implied[id] || slices.Contains(s.Needs, id) })
}

// wave are steps that need nothing of each other, and what ends them: barriers, and waits for all
// of a phase.
type wave struct{ steps, ends []*Step }

// waves groups the steps by how many have to be done one after the other before them. Idle are
// those with which nothing is done.
func (g *orderGraph) waves() (waves []wave, idle []*Step) {
	depth := make([]int, len(g.steps)+1) // from 1; of a barrier that of the last step before it
	for i := range g.steps {
		s := g.steps[i]
		if s.Action == ActionBlocked || s.Action == ActionSkip || s.Action == ActionKeep {
			idle = append(idle, s)
			continue
		}
		for _, id := range s.After {
			depth[s.ID] = max(depth[s.ID], depth[id])
		}
		if s.Action.HasObject() || depth[s.ID] == 0 {
			depth[s.ID]++
		}
		for len(waves) < depth[s.ID] {
			waves = append(waves, wave{})
		}

		of := &waves[depth[s.ID]-1]
		if !s.Action.HasObject() {
			of.ends = append(of.ends, s)
		} else {
			of.steps = append(of.steps, s)
		}
	}
	return waves, idle
}
