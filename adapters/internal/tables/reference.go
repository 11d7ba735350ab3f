package tables

import (
	"maps"
	"slices"
)

// References says which tables a table refers to by foreign keys.
type References map[string][]string

// Order sorts tables so that each comes after those it refers to. Where tables
// refer to one another in a circle there is no such order; they then keep the
// order of their names. The result depends on nothing but the arguments.
func (r References) Order(tables []string) []string {
	var (
		order []string
		seen  = map[string]bool{}
		visit func(string)
		known = map[string]bool{}
	)

	for _, t := range tables {
		known[t] = true
	}

	visit = func(t string) {
		if seen[t] || !known[t] {
			return
		}
		seen[t] = true
		for _, to := range slices.Sorted(slices.Values(r[t])) {
			visit(to)
		}
		order = append(order, t)
	}

	for _, t := range slices.Sorted(maps.Keys(known)) {
		visit(t)
	}
	return order
}

// Before returns, for each table, the tables it refers to that [References.Order]
// puts before it. It has no circles, so it can be told to others as dependencies.
func (r References) Before(tables []string) map[string][]string {
	position := map[string]int{}
	for i, t := range r.Order(tables) {
		position[t] = i
	}
	before := map[string][]string{}
	for t, at := range position {
		for _, to := range slices.Compact(slices.Sorted(slices.Values(r[t]))) {
			if p, ok := position[to]; ok && p < at {
				before[t] = append(before[t], to)
			}
		}
	}
	return before
}
