package golden

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur/pkg/compat/payload"
)

// Expected is what an application must export after it imported a dataset.
type Expected struct {
	Schema string
	Rows   []Row
	// Ignored are top-level fields that the application fills in by itself.
	Ignored []string
	// Declared is false when some step is code alone, so that only the application knows
	// what must come out. Rows is nil then.
	Declared bool
	// Ran says, by step, whether each of its changes changed a row.
	Ran []StepRun
}

// StepRun is one step that rows went through.
type StepRun struct {
	payload.Upcast

	// Changed says of each change whether some row is another one because of it.
	Changed []bool
}

// Expect brings rows of an older schema to the one that the application writes, by what it
// declares. leftOut are top-level fields that the application said it does not keep,
// because its schema does not name them.
func Expect(now Dataset, from string, rows []Row, leftOut []string) (Expected, error) {
	want := Expected{Schema: now.Schema, Declared: true}
	steps, leads, err := payload.Route(from, now.Schema, now.Upcasts)
	if err != nil {
		return want, err
	}
	want.Declared = leads
	for _, step := range steps {
		want.Declared = want.Declared && len(step.Changes) > 0
		want.Ran = append(want.Ran, StepRun{Upcast: step, Changed: make([]bool, len(step.Changes))})
	}
	if !want.Declared {
		return want, nil
	}

	fill, unforeseen, err := defaults(now)
	if err != nil {
		return want, err
	}

	for n, row := range rows {
		out, err := upcast(row, want.Ran)
		if err != nil {
			return want, rowError(now, n, err)
		}
		for field, value := range fill {
			if _, ok := out[field]; !ok {
				out[field] = value
			}
		}
		for _, field := range unforeseen {
			if _, ok := out[field]; !ok && !slices.Contains(want.Ignored, field) {
				want.Ignored = append(want.Ignored, field)
			}
		}
		for _, field := range leftOut {
			delete(out, field)
		}
		want.Rows = append(want.Rows, out)
	}

	return want, nil
}

// rowError says which row is wrong, and what is wrong only if everybody may read it.
func rowError(d Dataset, n int, err error) error {
	if d.Sensitive {
		return fmt.Errorf("row %d cannot be brought to schema %s; what is wrong is not shown, because the dataset is sensitive", n+1, d.Schema)
	}
	return fmt.Errorf("row %d: %w", n+1, err)
}

// defaults splits the fields that may be missing from rows into those whose value is known
// and those whose value is not.
func defaults(d Dataset) (fill map[string]any, unforeseen []string, err error) {
	fill = map[string]any{}
	for _, f := range d.Defaults {
		if len(f.Value) == 0 {
			unforeseen = append(unforeseen, f.Field)
			continue
		}
		row, err := payload.DecodeRow(slices.Concat([]byte(`{"v":`), f.Value, []byte(`}`)))
		if err != nil {
			return nil, nil, fmt.Errorf("the default of field %q: %w", f.Field, err)
		}
		fill[f.Field] = row["v"]
	}
	return fill, unforeseen, nil
}

// upcast takes a row through all steps, and notes which changes did something.
func upcast(row Row, steps []StepRun) (Row, error) {
	out := row
	for _, step := range steps {
		for i, change := range step.Changes {
			next, _, err := payload.Apply([]payload.Change{change}, out)
			if err != nil {
				return nil, err
			}
			if !step.Changed[i] {
				step.Changed[i] = !Equal(out, next)
			}
			out = next
		}
	}
	if len(steps) > 0 {
		return out, nil
	}
	copied, _, err := payload.Apply(nil, out)
	return copied, err
}

// Equal reports whether two values are the same JSON.
func Equal(a, b any) bool {
	left, errLeft := payload.EncodeRow(Row{"v": a})
	right, errRight := payload.EncodeRow(Row{"v": b})
	return errLeft == nil && errRight == nil && string(left) == string(right)
}
