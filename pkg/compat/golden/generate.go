package golden

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur/pkg/compat/payload"
)

// Case is a golden in which one row was changed.
type Case struct {
	// Seed and Number make the same case of the same goldens again.
	Seed   uint64
	Number int

	Golden  Golden
	Dataset string
	// Row counts from 0, Mutations are what was put into it.
	Row       int
	Mutations []Mutation
}

// Mutation is a value that a field of a row was given.
type Mutation struct {
	Path  string
	Value any
}

// target is a field that cases give values, and those that it should have.
type target struct {
	release, dataset string
	field            Field
	values           []any
}

// Generator makes cases.
type Generator struct {
	evidence Evidence
	seed     uint64
	// missed are the fields that goldens do not set, and those that no upcast found; any are all fields.
	missed, any []target
}

// NewGenerator looks for what goldens miss.
func NewGenerator(e Evidence, seed uint64) *Generator {
	g := &Generator{evidence: e, seed: seed}
	for _, golden := range e.Goldens {
		if e.Judged[golden.Release].Verdict != Imported {
			continue
		}
		for _, recorded := range golden.About.Datasets {
			now, ok := e.Now.Dataset(recorded.Name)
			if ok && len(golden.Rows[recorded.Name]) > 0 {
				g.look(golden, now, recorded)
			}
		}
	}
	return g
}

// look finds the fields of one dataset of one golden.
func (g *Generator) look(golden Golden, now, recorded Dataset) {
	unset := g.evidence.Unset()
	for _, f := range g.evidence.Shape(now, recorded.Schema).Fields {
		inKey := func(k string) bool { return f.Path == "/"+escape(k) || strings.HasPrefix(f.Path, "/"+escape(k)+"/") }
		if slices.ContainsFunc(recorded.Key, inKey) {
			continue
		}
		if strings.Contains(f.Path, "/*") {
			continue // within lists nothing is made
		}
		t := target{golden.Release, recorded.Name, f, nil}
		for _, row := range golden.Rows[recorded.Name] {
			t.values = append(t.values, values(row, strings.Split(strings.TrimPrefix(f.Path, "/"), "/"))...)
		}
		g.any = append(g.any, t)
		if slices.ContainsFunc(unset, func(u Unset) bool {
			return u.Dataset == recorded.Name && u.Schema == recorded.Schema && u.Field.Path == f.Path
		}) {
			g.missed = append(g.missed, t)
		}
	}

	steps, _, err := payload.Route(recorded.Schema, now.Schema, now.Upcasts)
	if err != nil || len(steps) == 0 {
		return
	}
	_, changed := g.evidence.ran(recorded.Name, steps[0])
	for i, c := range steps[0].Changes {
		if changed[i] || strings.Contains(c.Path, "/*") {
			continue
		}
		t := target{golden.Release, recorded.Name, Field{Path: origin(steps[0].Changes[:i], c.Path)}, nil}
		if c.Op == payload.Map {
			var table map[string]any
			if json.Unmarshal(c.Value, &table) == nil {
				for _, from := range slices.Sorted(maps.Keys(table)) {
					t.field.Enum = append(t.field.Enum, from)
				}
			}
		}
		g.missed = append(g.missed, t)
	}
}

// origin is where the value at a path was before changes.
func origin(changes []payload.Change, path string) string {
	for _, c := range slices.Backward(changes) {
		if rest, within := strings.CutPrefix(path, c.To); within && c.To != "" && (rest == "" || rest[0] == '/') {
			path = c.Path + rest
		}
	}
	return path
}

// Case makes the n-th case, and false if there is nothing that it could change.
func (g *Generator) Case(n int) (Case, bool) {
	if len(g.any) == 0 && len(g.missed) == 0 {
		return Case{}, false
	}
	random := rand.New(rand.NewPCG(g.seed, uint64(n))) //nolint:gosec // the same cases have to come again
	// What is missed comes first, and every second time from then on.
	pick := func() target {
		if len(g.missed) > 0 && (n < 2*len(g.missed) || random.IntN(2) == 0 || len(g.any) == 0) {
			return g.missed[(n+random.IntN(2)*len(g.missed))%len(g.missed)]
		}
		return g.any[random.IntN(len(g.any))]
	}

	first := pick()
	at := slices.IndexFunc(g.evidence.Goldens, func(golden Golden) bool { return golden.Release == first.release })
	c := Case{Seed: g.seed, Number: n, Golden: g.evidence.Goldens[at], Dataset: first.dataset}
	c.Row = random.IntN(len(c.Golden.Rows[first.dataset]))
	c.Mutations = append(c.Mutations, Mutation{first.field.Path, first.value(random)})
	for range random.IntN(3) {
		if more := pick(); more.release == first.release && more.dataset == first.dataset && more.field.Path != first.field.Path {
			c.Mutations = append(c.Mutations, Mutation{more.field.Path, more.value(random)})
		}
	}
	return c, true
}

// value is one that the field does not have by default, as far as that is known.
func (t target) value(random *rand.Rand) any {
	if len(t.field.Enum) > 0 {
		return t.field.Enum[random.IntN(len(t.field.Enum))]
	}
	var sample any
	if len(t.values) > 0 {
		sample = t.values[random.IntN(len(t.values))]
		if random.IntN(4) == 0 && !isZero(sample) {
			return sample // another row has it, so it is allowed
		}
	}
	kind := t.field.Type
	if kind == "" {
		kind = typeOf(sample)
	}

	switch kind {
	case "boolean":
		return sample != true || random.IntN(2) == 0
	case "integer":
		return []int64{1, 2, 7, 42, -1, 1 << 31, 1<<53 + 1}[random.IntN(7)]
	case "number":
		return json.Number([]string{"0.5", "1", "-2.25", "1e21", "0.1"}[random.IntN(5)])
	case "array":
		if list, ok := sample.([]any); ok && len(list) > 0 {
			return append(slices.Clone(list), list[random.IntN(len(list))])
		}
		return []any{"generated"}
	case "object":
		return Row{"generated": "yes"}
	}
	return textLike(sample, random)
}

// textLike is a text that may be taken where the sample was.
func textLike(sample any, random *rand.Rand) string {
	text, _ := sample.(string)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.Add(time.Duration(1+random.IntN(10000)) * time.Minute).Format(time.RFC3339)
	}
	return []string{
		text + "-x", "generated", "ä ß 日本 🚀", `quoted " and \ and ` + "\t", "0", "null", "a", strings.Repeat("long ", 60), " ", "line\nbreak",
	}[random.IntN(10)]
}

// Rows returns the rows of the dataset with the change, and false if it cannot be made.
func (c Case) Rows() ([]Row, bool) {
	rows := slices.Clone(c.Golden.Rows[c.Dataset])
	changed := rows[c.Row]
	for _, m := range c.Mutations {
		next, _, err := payload.Apply([]payload.Change{{Op: payload.Drop, Path: m.Path}}, changed)
		if err != nil {
			return nil, false
		}
		value, err := payload.EncodeRow(Row{"v": m.Value})
		if err != nil {
			return nil, false
		}
		add := payload.Change{Op: payload.Add, Path: m.Path, Value: value[len(`{"v":`) : len(value)-1]}
		if next, _, err = payload.Apply([]payload.Change{add}, next); err != nil {
			return nil, false
		}
		changed = next
	}
	rows[c.Row] = changed
	return rows, true
}

// Alone returns the case with one of its mutations, to find the one that matters.
func (c Case) Alone(i int) Case {
	c.Mutations = []Mutation{c.Mutations[i]}
	return c
}

// String says what was made, without values of a sensitive dataset.
func (c Case) String() string {
	d, _ := c.Golden.About.Dataset(c.Dataset)
	var what []string
	for _, m := range c.Mutations {
		if d.Sensitive {
			what = append(what, m.Path)
			continue
		}
		what = append(what, m.Path+" = "+show(m.Value))
	}
	return fmt.Sprintf("generated row %d (seed %d, case %d) with %s", c.Row+1, c.Seed, c.Number, strings.Join(what, ", "))
}

// excuses are the reasons for which an application may refuse a row that nobody ever wrote.
var excuses = []string{"PAYLOAD_INVALID", "CONSTRAINT_VIOLATION", "TOO_LARGE"}

// Excused reports whether an application refused a generated row as it may: for a reason that is about the row, in the dry
// run as in the import.
func (t Trial) Excused() bool {
	dry, done := t.DryRun.Refusal, t.Import.Refusal
	return dry != nil && done != nil && dry.Reason == done.Reason && slices.Contains(excuses, done.Reason)
}
