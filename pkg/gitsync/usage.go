package gitsync

import "fmt"

// Usage is how much a repository holds.
type Usage struct {
	// Packs counts packs, Loose the objects that have a file of their own.
	Packs, Loose int
	// Bytes are of packs, indexes and loose objects.
	Bytes int64
}

// Usage looks at names and sizes of files. What an alternate holds does not count.
func (r *Repository) Usage() (Usage, error) {
	if err := r.objects.Rescan(); err != nil {
		return Usage{}, fmt.Errorf("usage: %w", err)
	}
	loose, err := r.objects.LooseObjects()
	if err != nil {
		return Usage{}, fmt.Errorf("usage: %w", err)
	}
	u := Usage{Loose: len(loose)}
	if u.Packs, u.Bytes, err = r.objects.Usage(loose); err != nil {
		return Usage{}, fmt.Errorf("usage: %w", err)
	}
	return u, nil
}
