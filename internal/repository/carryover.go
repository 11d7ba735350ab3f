package repository

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur"
)

// CarryOver adds an application with the state that it has in the newest earlier point, so that it need not be asked
// again, and reports whether it did. It does not where no point of this writer's own holds the state, where a part of
// it is not here, where the application is retired, and where the recipients of the repository have changed since:
// who can decrypt now could not read it.
func (w *PointWriter) CarryOver(app appbur.AppKey) (bool, error) {
	known := slices.IndexFunc(w.known, func(k KnownApp) bool { return k.AppKey == app })
	if known < 0 || w.known[known].Retired {
		return false, nil
	}
	point, ref, held := w.newestWith(app)
	if !held || !w.sameRecipients(ref) {
		return false, nil
	}
	dir := AppDir(app)
	whole, err := w.rely(ref, dir)
	if err != nil || !whole {
		return false, err
	}
	if err := w.edit.Take(ref.Commit, dir); err != nil {
		return false, fmt.Errorf("application %s: %w", app, err)
	}

	state := point.Apps[slices.IndexFunc(point.Apps, func(a appbur.AppState) bool { return a.AppKey == app })]
	origin := point.OriginOf(state)
	state.From = &origin
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = append(w.whole, state)

	return true, nil
}

// newestWith is the newest earlier point that holds an application.
func (w *PointWriter) newestWith(app appbur.AppKey) (appbur.RestorePoint, PointRef, bool) {
	for i, point := range w.points {
		if slices.ContainsFunc(point.Apps, func(a appbur.AppState) bool { return a.AppKey == app }) {
			return point, w.earlier[i], true
		}
	}
	return appbur.RestorePoint{}, PointRef{}, false
}

// sameRecipients reports whether what a point holds is encrypted to those that the new one is encrypted to.
func (w *PointWriter) sameRecipients(ref PointRef) bool {
	config, err := w.repo.configAt(ref.Commit)
	return err == nil && slices.Equal(slices.Sorted(slices.Values(config.Recipients)), slices.Sorted(slices.Values(w.repo.config.Recipients)))
}
