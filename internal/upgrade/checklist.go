package upgrade

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/appbur/appbur/internal/markdown"
	"github.com/appbur/appbur/pkg/compat"
)

// heading begins every checklist; by it a file is known to be one.
const heading = "# Upgrade by rebuild to Kubernetes "

// clusterLine holds which cluster a checklist is about.
const clusterLine = "- Cluster: "

// notesHeading begins what belongs to people: it is kept as it is.
const notesHeading = "## Notes"

// notesText stands there in the beginning.
const notesText = "\nWhat you write below this heading stays when the plan is made again.\n"

// shown is how many objects one list of a checklist has at most.
const shown = 50

// Checklist is the plan as Markdown, with what was done already.
func (p Plan) Checklist(done Done) string {
	var b strings.Builder
	f := p.Facts
	fmt.Fprintf(&b, "%s%s\n\n", heading, f.To.MinorString())
	fmt.Fprintf(&b, "%s%s, Kubernetes %s\n", clusterLine, markdown.Code(f.Point.Cluster.ID), f.Point.Cluster.Version)
	made := f.Point.Created.UTC().Format("2006-01-02 15:04 UTC")
	fmt.Fprintf(&b, "- Planned with restore point %s of %s\n", markdown.Code(string(f.Point.ID)), made)
	fmt.Fprintf(&b, "- Objects: %s\n", p.Counts())
	b.WriteString("\nIt can be made again at any time: ticks and notes stay.\n")

	p.report(&b)
	b.WriteString("\n## Steps\n\nEach one can be repeated. Until the controllers of the new cluster are released, the old cluster is the way back.\n")
	for i, s := range p.Steps {
		writeStep(&b, i+1, s, done.ticked[s.ID])
	}
	b.WriteString("\n" + notesHeading + "\n" + cmp.Or(done.notes, notesText))
	return b.String()
}

// Counts says in one line how many objects have which verdict.
func (p Plan) Counts() string {
	kinds := []compat.VerdictKind{compat.Served, compat.Convertible, compat.Lossy, compat.Unknown, compat.Refused, compat.Blocked}
	parts := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s", p.Facts.Counts[kind], kind))
	}
	return strings.Join(parts, ", ")
}

// report lists what somebody has to know before the first step.
func (p Plan) report(b *strings.Builder) {
	if len(p.Obstacles) == 0 {
		b.WriteString("\nNothing that was looked at is in the way.\n")
	}
	writeObstacles(b, "In the way", p.Obstacles)
	writeObstacles(b, "Not known", p.Unknown)

	for _, part := range []struct {
		title string
		kind  compat.VerdictKind
	}{{"Lost", compat.Lossy}, {"Converted", compat.Convertible}} {
		var lines []string
		for _, o := range p.Facts.Objects {
			if o.Verdict == part.kind {
				lines = append(lines, markdown.Code(o.Object)+": "+markdown.Text(o.What))
			}
		}
		writeList(b, part.title, lines)
	}

	var lines []string
	for _, app := range p.Facts.Apps {
		for _, d := range app.Datasets {
			lines = append(lines, fmt.Sprintf("%s dataset %s: %s", markdown.Code(app.Application.String()), markdown.Code(d.Name), d.says(app)))
		}
	}
	writeList(b, "Applications", lines)

	lines = nil
	for _, a := range p.Facts.Acting {
		some := make([]string, 0, len(a.Some))
		for _, name := range a.Some {
			some = append(some, markdown.Code(name))
		}
		more := ""
		if a.Objects > len(a.Some) {
			more = ", …"
		}
		lines = append(lines, fmt.Sprintf("%s: %d to pause (%s%s)", markdown.Text(a.Controller), a.Objects, strings.Join(some, ", "), more))
	}
	writeList(b, "Controllers", lines)

	lines = nil
	for _, client := range p.Facts.Clients {
		lines = append(lines, markdown.Text(client))
	}
	writeList(b, "Still use APIs that are gone: change them", lines)
}

func (d Dataset) says(app App) string {
	if d.Problem != "" {
		return markdown.Text(d.Problem)
	}
	if d.Reads == "" {
		return fmt.Sprintf("schema %s, saved by %s; the new version was not asked", markdown.Text(d.Schema), markdown.Text(app.Saved))
	}
	text := fmt.Sprintf("schema %s becomes %s (%s reads %s)", markdown.Text(d.Schema), markdown.Text(d.Becomes), markdown.Text(app.New), markdown.Text(d.Reads))
	for _, change := range d.Changes {
		text += "; " + markdown.Text(change)
	}
	return text
}

func writeObstacles(b *strings.Builder, title string, obstacles []Obstacle) {
	lines := make([]string, 0, len(obstacles))
	for _, o := range obstacles {
		line := markdown.Text(o.What)
		if o.Hint != "" {
			line += " – " + markdown.Text(o.Hint)
		}
		lines = append(lines, line)
	}
	writeList(b, title, lines)
}

// writeList writes a section, unless it is empty.
func writeList(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s (%d)\n\n", title, len(lines))
	for i, line := range lines {
		if i == shown {
			fmt.Fprintf(b, "- … and %d more\n", len(lines)-shown)
			return
		}
		fmt.Fprintf(b, "- %s\n", line)
	}
}

func writeStep(b *strings.Builder, n int, s Step, ticked bool) {
	box := " "
	if ticked {
		box = "x"
	}
	fmt.Fprintf(b, "\n- [%s] **%s**: %d. %s\n\n  %s\n", box, s.ID, n, s.Title, s.Do)
	if len(s.Commands) > 0 {
		b.WriteString("\n  ```\n")
		for _, command := range s.Commands {
			fmt.Fprintf(b, "  %s\n", command)
		}
		b.WriteString("  ```\n")
	}
	fmt.Fprintf(b, "\n  Proves: %s.\n  Interrupted: %s.\n", s.Proves, s.Again)
}
