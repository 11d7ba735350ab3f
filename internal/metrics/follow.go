package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// lookEvery is how often the repository is read: others write to it as well.
const lookEvery = 10 * time.Second

// Repository is what is measured.
type Repository interface {
	Points() ([]repository.PointRef, error)
	Catalog(allowedSigners []byte) (repository.Catalog, error)
	Remotes() ([]repository.Remote, error)
	RequiredRemotes() (int, error)
	LastPushes() (map[string]time.Time, error)
	Usage() (gitsync.Usage, error)
}

// Follow reads the repository now, soon after each commit and push, and from time to time, until
// ctx ends. signers returns an allowed_signers file: points of others count for nothing.
func (m *Metrics) Follow(ctx context.Context, repo Repository, signers func() ([]byte, error), log *slog.Logger) {
	f := &follower{metrics: m, repo: repo, signers: signers}
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	failing := false

	for {
		switch err := f.look(); {
		case err != nil && !failing:
			failing = true
			m.fail(measuring, other)
			log.Warn("the repository cannot be measured; metrics of it stay as they were", "reason", err.Error())
		case err == nil && failing:
			failing = false
			log.Info("the repository can be measured again")
		}

		select {
		case <-m.wake:
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// follower reads what changed.
type follower struct {
	metrics *Metrics
	repo    Repository
	signers func() ([]byte, error)
	// seen is what the points were when they were read.
	seen string
}

func (f *follower) look() error {
	required, err := f.remotes()
	if err != nil {
		return err
	}
	catalog, err := f.points()
	if err != nil {
		return err
	}
	f.metrics.points.set(catalog, required, f.metrics.remotes.holding)
	f.objects()

	usage, err := f.repo.Usage()
	if err != nil {
		return err
	}
	f.metrics.size.Set(float64(usage.Bytes))
	f.metrics.packs.Set(float64(usage.Packs))
	f.metrics.loose.Set(float64(usage.Loose))
	return nil
}

// points reads the points if there are others than before, because each signature is checked: nil if
// there are none.
func (f *follower) points() (*repository.Catalog, error) {
	signers, err := f.signers()
	if err != nil {
		return nil, err
	}
	refs, err := f.repo.Points()
	if err != nil {
		return nil, err
	}
	now := fingerprint(refs, signers)
	if now == f.seen {
		return nil, nil
	}

	catalog, err := f.repo.Catalog(signers)
	if err != nil {
		return nil, err
	}
	f.seen = now
	return &catalog, nil
}

// remotes reads which there are, and how many of them a point needs.
func (f *follower) remotes() (required int, err error) {
	list, err := f.repo.Remotes()
	if err != nil {
		return 0, err
	}
	if required, err = f.repo.RequiredRemotes(); err != nil {
		return 0, err
	}
	noted, err := f.repo.LastPushes()
	if err != nil {
		return 0, err
	}

	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.Name
	}
	f.metrics.remotes.configure(names, noted, required)
	return required, nil
}

// objects counts what main holds.
func (f *follower) objects() {
	f.metrics.mu.Lock()
	counter := f.metrics.onMain
	f.metrics.mu.Unlock()
	if counter != nil {
		f.metrics.kinds.count(counter.CountByKind(f.metrics.kinds.list()))
	}
}
