package restore

import (
	"context"

	"github.com/appbur/appbur"
)

// Patient returns a cluster that repeats what fails for a while only, and follows what the server
// says about its load, as a restore does. A write that another one has overtaken is not repeated,
// because it would be as old each time.
func Patient(c Cluster) Cluster { return &patient{c, newWorker(Applier{Cluster: c}, Policy{})} }

type patient struct {
	Cluster

	worker *worker
}

// Get implements [Cluster].
func (p *patient) Get(ctx context.Context, id appbur.ObjectID, apiVersion string) (live map[string]any, err error) {
	err = p.worker.persist(ctx, &stepResult{step: &Step{Object: id}}, func() (err error) {
		live, err = p.Cluster.Get(ctx, id, apiVersion)
		return err
	})
	return live, err
}

// Existing implements [Cluster].
func (p *patient) Existing(ctx context.Context, apiVersion, kind string) (found map[appbur.ObjectID]Identity, err error) {
	err = p.worker.persist(ctx, &stepResult{step: &Step{}}, func() (err error) {
		found, err = p.Cluster.Existing(ctx, apiVersion, kind)
		return err
	})
	return found, err
}

// Apply implements [Cluster].
func (p *patient) Apply(ctx context.Context, r Request) (Applied, error) {
	return p.worker.send(ctx, &stepResult{step: &Step{Object: r.Object}}, r)
}
