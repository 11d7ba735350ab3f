package cli

import (
	"context"

	"github.com/appbur/appbur/internal/repository"
)

// maintainIfDue packs a repository together after something else was done, which a
// failure here must not undo: it is a warning.
func (e *env) maintainIfDue(ctx context.Context, repo *repository.Repository) *maintenanceReport {
	bar := e.bar("packing", "objects")
	r, err := repo.MaintainIfDue(ctx, e.now(), bar.setInts)
	took := bar.finish()
	if err != nil {
		e.warn("the repository was not packed together, which is tried again after the next backup: %s", oneLine(err.Error()))
	}
	if r == nil {
		return nil
	}
	m := maintenanceOf(*r, took.Seconds())
	return &m
}
