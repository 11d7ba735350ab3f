package restore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
)

// shownPerNoteKind is how many lines there are of one kind of note where there are many notes.
const shownPerNoteKind = 5

// renderNotes writes the notes by what they are about, so that many of one kind do not hide the
// others. What is noted of several objects is written once.
func (p *Plan) renderNotes(b *page) {
	notes := p.allNotes()
	if len(notes) == 0 {
		return
	}
	fmt.Fprintf(b, "\nNotes (%d)\n", len(notes))
	type text struct {
		kind   NoteKind
		object appbur.GroupKind
		what   string
	}

	objects := make(map[text][]appbur.ObjectID)
	var kinds []NoteKind
	texts := make(map[NoteKind][]text)
	lines := 0
	for _, n := range notes {
		t := text{n.Kind, n.Object.GroupKind(), n.What}
		if objects[t] == nil {
			if texts[n.Kind] == nil {
				kinds = append(kinds, n.Kind)
			}
			texts[n.Kind] = append(texts[n.Kind], t)
			lines++
		}
		objects[t] = append(objects[t], n.Object)
	}

	for _, kind := range kinds {
		left := 0
		for i, t := range texts[kind] {
			switch of := objects[t]; {
			case lines > shownPerSection && i >= shownPerNoteKind:
				left += len(of)
			case t.object == appbur.GroupKind{}:
				fmt.Fprintf(b, "  %s\n", t.what)
			case len(of) <= shownAlike:
				for _, id := range of {
					fmt.Fprintf(b, "  %s: %s\n", id, t.what)
				}
			default:
				fmt.Fprintf(b, "  %d %s: %s\n      in %s\n", len(of), t.object, t.what, shortNames(of))
				b.cut = true
			}
		}
		if left > 0 {
			b.more(left, " about "+cmp.Or(noteTopics[kind], string(kind)))
		}
	}
}

// allNotes are the notes of the plan, and what conversion could not do, as notes.
func (p *Plan) allNotes() []Note {
	notes := slices.Clone(p.Notes)
	var noticed []Note
	for _, s := range p.Steps {
		for _, n := range s.Details().Notices {
			noticed = append(noticed, Note{Kind: noteConversion, Object: s.Object, What: n.Path + ": " + n.What})
		}
	}
	slices.SortStableFunc(noticed, func(x, y Note) int { return x.Object.Compare(y.Object) })
	return append(notes, noticed...)
}

// noteConversion is what conversion could not do; it is in no document as a note.
const noteConversion NoteKind = "conversion"

// noteTopics are what notes of a kind are about.
var noteTopics = map[NoteKind]string{
	NoteOwner: "owners", NoteNamespace: "namespaces", NoteStatus: "status", NoteTwice: "objects that are there twice",
	NoteAddress: "addresses and ports", NoteDefault: "defaults", NoteVolume: "volumes", NoteContest: "contested names",
	NoteUnchangeable: "what cannot be changed", NoteTarget: "the target", NoteUID: "uids", NoteRunning: "what is running",
	NoteApplication: "applications", NoteChange: "changes on the way", noteConversion: "conversions",
}
