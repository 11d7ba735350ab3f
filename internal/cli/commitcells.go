package cli

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/internal/repository"
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

// actorText is the author as far as a commit knows, and otherwise who is known to have taken part.
func actorText(author personJSON, p repository.Provenance, notes []repository.Note) string {
	var later []string
	for _, n := range notes {
		for _, person := range n.Actors {
			if name := personName(person); !slices.Contains(later, name) {
				later = append(later, name)
			}
		}
	}
	var known []string
	if p.Resolved() {
		known = append(known, p.ActorSource)
	} else if len(p.Actors) > 0 {
		names := make([]string, len(p.Actors))
		for i, person := range p.Actors {
			names[i] = personName(person)
		}
		known = append(known, p.ActorSource+": "+appbur.Shortlist(names, shownActors))
	}
	if len(later) > 0 {
		known = append(known, "later known: "+appbur.Shortlist(later, shownActors))
	}
	if len(known) == 0 {
		return author.Name
	}
	return author.Name + " (" + strings.Join(known, "; ") + ")"
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
