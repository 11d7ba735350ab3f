package repository

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Coverage reads how completely each type was captured in a point, and nothing else of it.
func (r *Repository) Coverage(ref PointRef) (appbur.Coverage, error) {
	var coverage appbur.Coverage
	snapshot, err := r.git.Snapshot(ref.Commit)
	if err != nil {
		return coverage, err
	}
	data, err := snapshot.ReadDescription(appbur.CoverageFile)
	if err != nil {
		return coverage, err
	}
	if err := json.Unmarshal(data, &coverage); err != nil {
		return coverage, fmt.Errorf("reading %s of %s: %w", appbur.CoverageFile, ref.ID, err)
	}
	return coverage, nil
}

// LastCommit is the tip of main and when it was made.
func (r *Repository) LastCommit() (gitsync.Hash, time.Time, error) {
	tip, err := r.Main()
	if err != nil {
		return tip, time.Time{}, err
	}
	commit, err := r.git.ReadCommit(tip)
	return tip, commit.Time, err
}
