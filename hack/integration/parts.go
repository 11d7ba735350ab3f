package main

import "slices"

// partSize is how many test functions of one package run in one process at most. The tests of a package come one after
// the other, and a package whose tests each start servers of their own would run long after all others have ended.
const partSize = 15

// inParts cuts packages with many tests into parts of nearly the same size. A package that runs completely is one part.
func inParts(plan []tests) []tests {
	var parts []tests
	for _, p := range plan {
		if p.all || len(p.names) <= partSize {
			parts = append(parts, p)
			continue
		}

		count := (len(p.names) + partSize - 1) / partSize
		for names := range slices.Chunk(p.names, (len(p.names)+count-1)/count) {
			parts = append(parts, tests{pkg: p.pkg, names: names})
		}
	}
	return parts
}
