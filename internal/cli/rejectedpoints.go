package cli

import (
	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

// unreadableSummary is the line of a point that cannot be read. Partial is true, so
// that no filter takes it for a good one.
type unreadableSummary struct {
	ID         appbur.RestorePointID `json:"id"`
	Partial    bool                  `json:"partial"`
	Unreadable string                `json:"unreadable"`
}

// untrustedSummary is the line of a point without a trusted signature. Partial is
// true for the same reason.
type untrustedSummary struct {
	ID        appbur.RestorePointID `json:"id"`
	Partial   bool                  `json:"partial"`
	Untrusted string                `json:"untrusted"`
}

func unreadable(points []repository.RejectedPoint) []unreadableSummary {
	list := make([]unreadableSummary, len(points))
	for i, p := range points {
		list[i] = unreadableSummary{p.Ref.ID, true, p.Err.Error()}
	}
	return list
}

func untrusted(points []repository.RejectedPoint) []untrustedSummary {
	list := make([]untrustedSummary, len(points))
	for i, p := range points {
		list[i] = untrustedSummary{p.Ref.ID, true, p.Err.Error()}
	}
	return list
}

// warnRejected says why points count for nothing, and which have a time that cannot be
// true.
func (e *env) warnRejected(all repository.Catalog) {
	var misdated []string
	for i, wrong := range all.Misdated {
		if wrong {
			misdated = append(misdated, string(all.Refs[i].ID))
		}
	}
	if len(misdated) > 0 {
		e.warn("the time of %s cannot be true, a clock was wrong: "+
			"it is listed where it belongs in the history, and kept until it is deleted by name", appbur.Shortlist(misdated, shownNames))
	}

	rejected := all.Rejected()
	for _, p := range rejected[:min(len(rejected), shownNames)] {
		e.warn("%s", oneLine(p.Err.Error()))
	}
	if more := len(rejected) - shownNames; more > 0 {
		e.warn("%s more count for nothing: `appbur points list --json` says why", count(more, "restore point"))
	}
	if len(all.Unreadable) > 0 {
		e.warn("points that cannot be read are never restored from and never pruned; take one away with: appbur points delete %s",
			all.Unreadable[0].Ref.ID)
	}
	if len(all.Untrusted) > 0 {
		e.warn("points without a trusted signature are never restored from, never pruned, and do not affect which others are kept; "+
			"delete one with: appbur points delete %s", all.Untrusted[0].Ref.ID)
	}
}
