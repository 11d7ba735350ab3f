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

// who is the author as far as the commit knows, and otherwise who may be behind it.
func (c commitJSON) who() string {
	switch {
	case c.Resolved():
		return c.Author.Name + " (" + c.ActorSource + ")"
	case len(c.Actors) > 0:
		names := make([]string, len(c.Actors))
		for i, person := range c.Actors {
			names[i] = personName(person)
		}
		return c.Author.Name + " (" + c.ActorSource + ": " + appbur.Shortlist(names, shownActors) + ")"
	default:
		return c.Author.Name
	}
}

// shownActors is how many of those who took part are named in a table.
const shownActors = 3

// personName is the name of "name <address>".
func personName(person string) string {
	name, _, _ := strings.Cut(person, " <")
	return name
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
