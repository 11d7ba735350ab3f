package goldens

import (
	"context"

	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
)

// try has an application import one golden, export it, and import and export that again.
func (c caller) try(ctx context.Context, now golden.About, g Recorded) (golden.Trial, error) {
	trial := golden.Trial{Golden: g.Golden, Now: now}
	sources := g.sources()
	demand, err := golden.Demand(now, g.Golden)
	if err != nil {
		return trial, nil //nolint:nilerr // the judgement says what is wrong
	}
	if demand == golden.Imported {
		if err := c.empty(ctx, now); err != nil {
			return trial, err
		}
	}

	if trial.DryRun, err = c.imports(ctx, g.About.App, g.Release, true, sources); err != nil {
		return trial, err
	}
	if trial.Import, err = c.imports(ctx, g.About.App, g.Release, false, sources); err != nil {
		return trial, err
	}
	if trial.Import.Refusal != nil || demand != golden.Imported {
		return trial, nil
	}

	first, err := export(ctx, c.client, c.random)
	if err != nil {
		return trial, err
	}
	if trial.First, err = inRows(first); err != nil {
		return trial, err
	}
	if trial.Again, err = c.imports(ctx, now.App, now.Version, false, again(now, first)); err != nil || trial.Again.Refusal != nil {
		return trial, err
	}
	second, err := export(ctx, c.client, c.random)
	if err != nil {
		return trial, err
	}
	trial.Second, err = inRows(second)
	return trial, err
}

// empty takes all rows away, so that a golden meets an application as new as after a disaster. An application that
// refuses that keeps what it has.
func (c caller) empty(ctx context.Context, now golden.About) error {
	var sources []contract.DatasetSource
	for _, d := range now.Datasets {
		if !d.Opaque() {
			sources = append(sources, source(d.Name, d.Schema, 0, nil, nil))
		}
	}
	if len(sources) == 0 {
		return nil
	}
	_, err := c.imports(ctx, now.App, now.Version, false, sources)
	return err
}

// sources are the payloads of a golden.
func (g Recorded) sources() []contract.DatasetSource {
	var sources []contract.DatasetSource
	for _, d := range g.About.Datasets {
		if data, ok := g.Payloads[d.Name]; ok {
			sources = append(sources, source(d.Name, d.Schema, d.Rows, data, d.Positions))
		}
	}
	return sources
}

// again are the payloads of an export.
func again(now golden.About, all map[string]exported) []contract.DatasetSource {
	var sources []contract.DatasetSource
	for _, d := range now.Datasets {
		if e, ok := all[d.Name]; ok {
			sources = append(sources, source(d.Name, e.schema, e.rows, e.data, e.positions))
		}
	}
	return sources
}
