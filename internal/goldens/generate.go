package goldens

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/contract"
)

// Generated is what became of generated rows.
type Generated struct {
	Seed uint64 `json:"seed"`
	// Cases were tried. Accepted ones came out as declared, Refused ones the application did not take, as it may.
	Cases    int `json:"cases"`
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
}

// mostFailures ends a generation: more of the same says nothing new.
const mostFailures = 3

// generate tries rows that no release exported, and returns what is wrong with them.
func (c caller) generate(
	ctx context.Context, d *Directory, e *golden.Evidence, cases int, seed uint64, tried func(),
) (Generated, []golden.Finding, error) {
	generator := golden.NewGenerator(*e, seed)
	result := Generated{Seed: seed}
	var findings []golden.Finding
	failures := 0

	for n := range cases {
		one, ok := generator.Case(n)
		if !ok || failures >= mostFailures {
			break
		}
		trial, judged, err := c.tryCase(ctx, d, e.Now, one)
		switch {
		case err != nil:
			return result, findings, fmt.Errorf("%s: %w", one, err)
		case trial.Golden.Release == "":
			continue // the row has something else at the field
		}
		result.Cases++
		tried()

		switch {
		case trial.Excused():
			result.Refused++
		case len(judged.Findings) > 0:
			failures++
			smallest, of, err := c.shrink(ctx, d, e.Now, one, judged.Findings)
			if err != nil {
				return result, findings, err
			}
			for _, f := range of {
				f.What = smallest.String() + ": " + f.What
				findings = append(findings, f)
			}
		default:
			result.Accepted++
			schema, _ := trial.Golden.About.Dataset(one.Dataset)
			e.Generated = append(e.Generated, golden.Made{
				Dataset: one.Dataset, Schema: schema.Schema, Rows: trial.Golden.Rows[one.Dataset][one.Row : one.Row+1], Ran: judged.Ran[one.Dataset],
			})
		}
	}
	return result, findings, nil
}

// shrink looks for one mutation of a case that is enough for it to fail.
func (c caller) shrink(
	ctx context.Context, d *Directory, now golden.About, whole golden.Case, findings []golden.Finding,
) (golden.Case, []golden.Finding, error) {
	for i := range whole.Mutations {
		if len(whole.Mutations) == 1 {
			break
		}
		trial, judged, err := c.tryCase(ctx, d, now, whole.Alone(i))
		if err != nil {
			return whole, findings, err
		}
		if len(judged.Findings) > 0 && !trial.Excused() {
			return whole.Alone(i), judged.Findings, nil
		}
	}
	return whole, findings, nil
}

// tryCase has the application import a golden of which a row was changed. The trial is empty if the change cannot be made.
func (c caller) tryCase(ctx context.Context, d *Directory, now golden.About, one golden.Case) (golden.Trial, golden.Judged, error) {
	rows, ok := one.Rows()
	if !ok {
		return golden.Trial{}, golden.Judged{}, nil
	}
	data, err := encodeRows(rows)
	if err != nil {
		return golden.Trial{}, golden.Judged{}, nil //nolint:nilerr // it would not be a row
	}
	for _, g := range d.Goldens {
		if g.Release != one.Golden.Release {
			continue
		}
		g.Rows, g.Payloads = maps.Clone(g.Rows), maps.Clone(g.Payloads)
		g.Rows[one.Dataset], g.Payloads[one.Dataset] = rows, data
		trial, err := c.try(ctx, now, g)
		return trial, trial.Judge(), err
	}
	return golden.Trial{}, golden.Judged{}, nil
}

// encodeRows writes rows as the contract has them.
func encodeRows(rows []golden.Row) ([]byte, error) {
	var out bytes.Buffer
	for _, row := range rows {
		encoded, err := payload.EncodeRow(row)
		if err != nil {
			return nil, err
		}
		canonical, err := contract.Canonical(encoded)
		if err != nil {
			return nil, err
		}
		out.Write(canonical)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}
