package repository

import (
	"context"

	"github.com/appbur/appbur/pkg/gitsync"
)

// Maintain packs the objects of the repository together while reading and writing
// go on.
func (r *Repository) Maintain(ctx context.Context, o gitsync.MaintainOptions) (gitsync.MaintainReport, error) {
	return r.git.Maintain(ctx, o)
}
