package golden

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/compat/schemadiff"
)

// Evidence is all that the gates look at: what the application says, what is kept, and what
// came of the trials.
type Evidence struct {
	Now     About
	Goldens []Golden
	Lock    Lock
	Support Support
	At      time.Time
	// Live is what the application exported before anything was imported, by dataset.
	Live map[string][]Row
	// Described are the descriptions of rows by release and dataset, DescribedNow those of the
	// application, by dataset.
	Described    map[[2]string]schemadiff.Schema
	DescribedNow map[string]schemadiff.Schema
	// Judged are the trials, by release.
	Judged map[string]Judged
	// Generated are rows that were made, imported and came out as declared.
	Generated []Made
}

// Made are rows of one schema version that no release exported.
type Made struct {
	Dataset, Schema string
	Rows            []Row
	Ran             []StepRun
}

// leftOut reports whether every golden leaves a dataset out on purpose.
func (e Evidence) leftOut(dataset string) bool {
	left := false
	for _, g := range e.Goldens {
		if g.Has(dataset) {
			return false
		}
		d, ok := g.About.Dataset(dataset)
		left = left || ok && d.LeftOut != ""
	}
	return left
}

// rows are those of all goldens at a schema version; releases says in which.
func (e Evidence) rows(dataset, schema string) (rows []Row, releases []string) {
	for _, g := range e.Goldens {
		d, ok := g.About.Dataset(dataset)
		if ok && d.Schema == schema && g.Has(dataset) {
			rows = append(rows, g.Rows[dataset]...)
			releases = append(releases, g.Release)
		}
	}
	return rows, releases
}

// Readable returns the schema versions of a dataset that are known and that the application
// reads, oldest first. Those are known that a golden has, that an upcast names, and the
// application's own.
func (e Evidence) Readable(d Dataset) []string {
	reads, err := payload.ParseRange(d.Reads)
	if err != nil {
		return nil
	}
	known := map[payload.Version]bool{}
	note := func(schema string) {
		if v, err := payload.ParseVersion(schema); err == nil && reads.Contains(v) {
			known[v] = true
		}
	}

	note(d.Schema)
	for _, u := range d.Upcasts {
		note(u.From)
		note(u.To)
	}
	for _, g := range e.Goldens {
		recorded, ok := g.About.Dataset(d.Name)
		if !ok {
			continue
		}
		note(recorded.Schema)
		for _, u := range recorded.Upcasts {
			note(u.From)
			note(u.To)
		}
	}

	var all []string
	for _, v := range slices.SortedFunc(maps.Keys(known), payload.Version.Compare) {
		all = append(all, v.String())
	}
	return all
}

// Versions wants a golden of every schema that is read. The application's own schema needs one
// as soon as a release with it is recorded.
func Versions(e Evidence) (findings []Finding, notes []string) {
	for _, d := range e.Now.Datasets {
		if e.leftOut(d.Name) {
			notes = append(notes, fmt.Sprintf("dataset %s is not checked: every golden leaves it out, because it is sensitive", d.Name))
			continue
		}
		for _, schema := range e.Readable(d) {
			rows, releases := e.rows(d.Name, schema)
			what := ""
			switch {
			case len(releases) == 0 && schema == d.Schema:
				notes = append(notes, fmt.Sprintf("dataset %s: schema %s has no golden yet; record one when it is released", d.Name, schema))
			case len(releases) == 0:
				what = "the application reads it, and no golden has it"
			case len(rows) == 0 && !d.Opaque():
				what = "its goldens have no rows: release " + strings.Join(releases, ", ")
			}
			if what != "" {
				findings = append(findings, Finding{
					Gate: Covered, Dataset: d.Name, Schema: schema, What: what,
					Hint: "record a golden of a release that wrote it, with rows, or take it out of the range that the application reads",
				})
			}
		}
	}
	return findings, notes
}

// Shape is what is known of the rows of a schema version.
func (e Evidence) Shape(d Dataset, schema string) Shape {
	shape, ok := e.described(d, schema)
	if !ok {
		rows, _ := e.rows(d.Name, schema)
		var live []Row
		if schema == d.Schema {
			live = e.Live[d.Name]
		}
		shape = RowShape(rows, live)
	}

	shape.Fields = slices.Clone(shape.Fields)
	for i, f := range shape.Fields {
		if value, ok := e.added(d, schema, f.Path); ok && f.Default == nil {
			shape.Fields[i].Default = value
		}
	}
	return shape
}

// described is the shape that a description gives.
func (e Evidence) described(d Dataset, schema string) (Shape, bool) {
	description, ok := e.DescribedNow[d.Name]
	if schema != d.Schema {
		ok = false
	}
	for _, g := range e.Goldens {
		recorded, has := g.About.Dataset(d.Name)
		if one, known := e.Described[[2]string{g.Release, d.Name}]; !ok && has && known && recorded.Schema == schema {
			description, ok = one, true
		}
	}
	fields := description.Fields()
	if !ok || len(fields) == 0 {
		return Shape{}, false
	}
	shape := Shape{Source: FromSchema}
	for _, f := range fields {
		shape.Fields = append(shape.Fields, Field(f))
	}
	return shape, true
}

// added is the value that a field gets where an older row does not have it.
func (e Evidence) added(d Dataset, schema, path string) (any, bool) {
	fill, _, err := defaults(d)
	if value, ok := fill[strings.TrimPrefix(path, "/")]; ok && err == nil {
		return value, true
	}
	all := slices.Clone(d.Upcasts)
	for _, g := range e.Goldens {
		recorded, _ := g.About.Dataset(d.Name)
		all = append(all, recorded.Upcasts...)
	}
	for _, u := range all {
		for _, c := range u.Changes {
			if u.To != schema || c.Op != payload.Add {
				continue
			}
			if made, _, err := payload.Apply([]payload.Change{c}, Row{}); err == nil {
				if value, ok := at(made, path); ok {
					return value, true
				}
			}
		}
	}
	return nil, false
}

// Unset is a field that no golden sets.
type Unset struct {
	Dataset, Schema string
	Field           Field
	Source          Source
}

// Unset returns the fields that no golden sets, of all schema versions that goldens have and
// the application reads.
func (e Evidence) Unset() []Unset {
	var unset []Unset
	for _, d := range e.Now.Datasets {
		if d.Opaque() {
			continue
		}
		for _, schema := range e.Readable(d) {
			rows, releases := e.rows(d.Name, schema)
			if len(releases) == 0 || len(rows) == 0 {
				continue // that is said by the gate of versions
			}
			shape := e.Shape(d, schema)
			for _, f := range shape.Fields {
				if !slices.ContainsFunc(rows, f.Sets) {
					unset = append(unset, Unset{d.Name, schema, f, shape.Source})
				}
			}
		}
	}
	return unset
}

// Fields wants every field set in some golden, or in a row that was generated and imported.
func Fields(e Evidence) (findings []Finding, notes []string) {
	for _, u := range e.Unset() {
		sets := func(m Made) bool {
			return m.Dataset == u.Dataset && m.Schema == u.Schema && slices.ContainsFunc(m.Rows, u.Field.Sets)
		}
		if slices.ContainsFunc(e.Generated, sets) {
			notes = append(notes, fmt.Sprintf("dataset %s, schema %s: %s is set in generated rows only", u.Dataset, u.Schema, u.Field.Path))
			continue
		}
		known := "it is in the schema of the rows"
		if u.Source == FromRows {
			known = "rows have it"
		}
		findings = append(findings, Finding{
			Gate: Set, Dataset: u.Dataset, Schema: u.Schema, Field: u.Field.Path,
			What: known + ", and no golden has anything but its default there",
			Hint: "record a golden in which the field is set, or try generated rows that set it",
		})
	}
	return findings, notes
}

// Upcasts wants every change of every upcast to have changed a row of some golden.
func Upcasts(e Evidence) (findings []Finding, notes []string) {
	for _, d := range e.Now.Datasets {
		if e.leftOut(d.Name) || d.Opaque() {
			continue
		}
		for _, u := range d.Upcasts {
			if e.unjudged(d, u) {
				continue // the gate of imports says what is wrong with its golden
			}
			ran, changed := e.ran(d.Name, u)
			about := Finding{
				Gate: Ran, Dataset: d.Name, Schema: u.From, What: fmt.Sprintf("the upcast from %s to %s ran for no golden", u.From, u.To),
				Hint: "record a golden of a release that wrote " + u.From + ", or take the upcast out with the range that is read",
			}
			if !ran {
				findings = append(findings, about)
				continue
			}
			for i, c := range u.Changes {
				if changed[i] {
					continue
				}
				about.Field = c.Path
				about.What = fmt.Sprintf("%s %s of the upcast from %s to %s changed no row of a golden", c.Op, c.Path, u.From, u.To)
				about.Hint = "record a golden whose rows it changes, or try generated rows"
				findings = append(findings, about)
			}
		}
	}
	return findings, notes
}

// unjudged reports whether some golden would go through a step and was not imported.
func (e Evidence) unjudged(d Dataset, u payload.Upcast) bool {
	for _, g := range e.Goldens {
		recorded, ok := g.About.Dataset(d.Name)
		if !ok || e.Judged[g.Release].Verdict == Imported || !g.Has(d.Name) {
			continue
		}
		steps, _, err := payload.Route(recorded.Schema, d.Schema, d.Upcasts)
		if err == nil && slices.ContainsFunc(steps, func(s payload.Upcast) bool { return s.From == u.From && s.To == u.To }) {
			return true
		}
	}
	return false
}

// ran says whether rows went through a step, and which of its changes changed one.
func (e Evidence) ran(dataset string, u payload.Upcast) (ran bool, changed []bool) {
	changed = make([]bool, len(u.Changes))
	note := func(steps []StepRun, rows int) {
		for _, s := range steps {
			if s.From != u.From || s.To != u.To || rows == 0 {
				continue
			}
			ran = true
			for i := range s.Changed {
				changed[i] = changed[i] || s.Changed[i]
			}
		}
	}

	for _, g := range e.Goldens {
		if j, tried := e.Judged[g.Release]; tried {
			note(j.Ran[dataset], len(g.Rows[dataset]))
		}
	}
	for _, m := range e.Generated {
		if m.Dataset == dataset {
			note(m.Ran, len(m.Rows))
		}
	}
	return ran, changed
}

// Supported wants every release of the support window to be read.
func Supported(e Evidence) (findings []Finding, notes []string) {
	in := e.Support.Releases(e.Lock, e.Now.Version, e.At)
	if len(in) == 0 {
		older := slices.ContainsFunc(e.Lock.Entries, func(l Entry) bool { return compareReleases(l.Release, e.Now.Version) < 0 })
		if !older {
			return nil, []string{"no release before " + e.Now.Version + " is recorded, so the support window is empty"}
		}
		return []Finding{{
			Gate: Window, What: fmt.Sprintf("no recorded release is in the support window %q", e.Support),
			Hint: "record the releases that are supported, or mend the support window",
		}}, nil
	}

	for _, release := range in {
		if j, tried := e.Judged[release]; tried && (j.Verdict == RefusedOlder || j.Verdict == RefusedNewer) {
			findings = append(findings, Finding{
				Gate: Window, Release: release, What: fmt.Sprintf("it is in the support window %q, and its state is %s", e.Support, j.Verdict),
				Hint: "read its schemas for as long as the release is supported, with an upcast if they are of another major version",
			})
		}
	}
	if e.Support.last > 0 && len(in) < e.Support.last {
		notes = append(notes, fmt.Sprintf("the support window is %q, and so many releases of it are recorded: %d", e.Support, len(in)))
	}
	return findings, notes
}
