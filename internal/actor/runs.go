package actor

// Run is a part of a list of changes, in their order, that makes one commit.
type Run struct {
	From, To int // To is behind the last
	Who      Who
}

// Runs puts neighbours of one actor together. There are at most as many runs as most: the last one then has all that is left, and
// names who took part.
func Runs(changes []Who, most int) []Run {
	var runs []Run
	for i, who := range changes {
		last := len(runs) - 1
		if last >= 0 && (runs[last].Who.same(who) || len(runs) == most) {
			runs[last].To, runs[last].Who = i+1, runs[last].Who.and(who)
			continue
		}
		runs = append(runs, Run{From: i, To: i + 1, Who: who})
	}
	return runs
}
