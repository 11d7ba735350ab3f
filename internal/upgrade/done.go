package upgrade

import (
	"bufio"
	"errors"
	"regexp"
	"strings"

	"github.com/appbur/appbur/internal/markdown"
)

// Done is what people have done and written since a checklist was made.
type Done struct {
	// To and Cluster are what it is about: the new Kubernetes, and the old cluster.
	To, Cluster string

	ticked map[string]bool
	notes  string
}

// ErrOthers says that a file is no checklist of an upgrade.
var ErrOthers = errors.New("it is no checklist of an upgrade")

// tick is the line of a step.
var tick = regexp.MustCompile(`^- \[([ xX])\] \*\*([a-z]+)\*\*:`)

// Parse reads a checklist.
func Parse(text string) (Done, error) {
	d := Done{ticked: make(map[string]bool)}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), heading) {
		return Done{}, ErrOthers
	}
	d.To = strings.TrimSpace(strings.TrimPrefix(lines.Text(), heading))

	if before, notes, found := strings.Cut(text, "\n"+notesHeading+"\n"); found {
		d.notes = notes
		text = before
	}
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if rest, ok := strings.CutPrefix(line, clusterLine); ok && d.Cluster == "" {
			d.Cluster, _, _ = strings.Cut(rest, ",")
		}
		if m := tick.FindStringSubmatch(line); m != nil {
			d.ticked[m[2]] = m[1] != " "
		}
	}
	return d, nil
}

// For returns what counts for a plan. Ticks of another upgrade do not, and their number is told; notes stay.
func (d Done) For(p Plan) (counts Done, forgotten int) {
	if d.To == p.Facts.To.MinorString() && d.Cluster == markdown.Code(p.Facts.Point.Cluster.ID) {
		return d, 0
	}
	for _, ticked := range d.ticked {
		if ticked {
			forgotten++
		}
	}
	return Done{notes: d.notes}, forgotten
}
