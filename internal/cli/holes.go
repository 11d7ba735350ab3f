package cli

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

// shownNames is how many things of a kind one line names.
const shownNames = 6

// hole is what could not be read or saved for one cause.
type hole struct {
	what    string // "type", "object" or "API group"
	verb    string
	cause   string
	names   []string
	details []string
	// unnamed counts what belongs to it beside the names.
	unnamed int
}

// holesOf groups what a capture could not read by cause: an account without rights, or
// a server that is down, gives the same answer for every type.
func holesOf(c appbur.Coverage) []*hole {
	var holes []*hole
	add := func(what, verb, name, reason string) *hole {
		cause, detail, _ := strings.Cut(reason, ": ")
		for _, h := range holes {
			if h.what == what && h.cause == cause {
				h.names, h.details = append(h.names, name), append(h.details, detail)
				return h
			}
		}
		holes = append(holes, &hole{what, verb, cause, []string{name}, []string{detail}, 0})
		return holes[len(holes)-1]
	}

	for _, t := range c.Types {
		if !t.Complete {
			add("type", "read", t.GroupKind().String(), t.Reason)
		}
		var last *hole
		for _, u := range t.Unsaved {
			id := appbur.ObjectID{Group: t.Group, Kind: t.Kind, Namespace: u.Namespace, Name: u.Name}
			last = add("object", "saved", id.String(), u.Reason)
		}
		if last != nil {
			last.unnamed += t.Failed - len(t.Unsaved)
		}
	}
	for _, g := range c.Groups {
		if !g.Virtual {
			add("API group", "discovered", g.GroupVersion, g.Reason)
		}
	}
	return holes
}

// String says the cause once, and of several answers of the server the first.
func (h *hole) String() string {
	who, of := h.names[0], ""
	if n := len(h.names) + h.unnamed; n > 1 {
		who = count(n, h.what)
		of = "; these are " + appbur.ShortlistOf(h.names, n, shownNames, ", ")
		if n > min(len(h.names), shownNames) {
			of += " (`appbur points show --json` has them)"
		}
	} else if h.what == "API group" {
		who = "the " + h.what + " " + who
	}
	detail := ""
	if h.details[0] != "" {
		detail = ": " + h.details[0]
	}
	if h.differ() {
		detail = ", for example" + detail
	}
	return fmt.Sprintf("%s could not be %s, what was saved before stays: %s%s%s", who, h.verb, h.cause, detail, of)
}

func (h *hole) differ() bool {
	for _, detail := range h.details {
		if detail != h.details[0] {
			return true
		}
	}
	return false
}

// objectsText says how many objects a point holds, and how many of them were not read
// now but stay from before, because nothing proves that they are gone.
func objectsText(c appbur.Coverage, held int) string {
	complete, saved, excluded := 0, 0, 0
	for _, t := range c.Types {
		excluded += t.Excluded
		if t.Complete {
			complete++
			saved += t.Saved
		}
	}
	text := fmt.Sprintf("%d saved", saved)
	if kept := held - saved; kept > 0 {
		text += fmt.Sprintf(", %d kept from before and not read now", kept)
	}
	types := fmt.Sprint(complete)
	if complete < len(c.Types) {
		types = fmt.Sprintf("%d of %d", complete, len(c.Types))
	}
	return fmt.Sprintf("%s, %d left out by rules, %s types read", text, excluded, types)
}
