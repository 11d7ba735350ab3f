package cli

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/history"
)

// pointsOf names the newest restore points of a commit and counts the others.
func pointsOf(c commitJSON) string {
	points := make([]string, len(c.Points))
	for i, id := range c.Points {
		points[i] = string(id)
	}
	slices.SortFunc(points, func(a, b string) int { return strings.Compare(b, a) })
	return appbur.Shortlist(points, shownPoints)
}

// who is the author as far as the commit knows.
func (c commitJSON) who() string {
	if c.ActorSource == "" || c.ActorSource == "none" {
		return c.Author.Name
	}
	return c.Author.Name + " (" + c.ActorSource + ")"
}

// what says in few words what a commit did to the selected objects.
func (c commitJSON) what(one bool) string {
	if one && len(c.Changes) == 1 {
		return string(c.Changes[0].What)
	}
	return oneLine(c.Subject)
}

func signatureCell(s history.Signature) cell {
	switch s.State {
	case history.SignatureGood:
		return coloured(sgrGreen, "good, "+oneLine(s.By))
	case history.SignatureUnknown, history.SignatureNone:
		return coloured(sgrYellow, string(s.State))
	default:
		return coloured(sgrRed, string(s.State))
	}
}
