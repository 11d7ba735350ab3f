package gitsync

import "context"

func (r *Repository) rollUp(_ context.Context) {}
