package repository

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// trailerUnproven has what is needed to know later who made a change of a commit, in JSON. It goes where the commit goes, so
// that whoever writes next, with whatever disk, can still note it.
const trailerUnproven = "Appbur-Unproven"

const (
	// unprovenChanges bounds how many changes of one commit are told so; of the others nothing is learned after a restart.
	unprovenChanges = 100
	// recalledCommits bounds how many commits are read back, recalledSpan from which time, and recalledChanges how many changes.
	recalledCommits = 5000
	recalledSpan    = time.Hour
	recalledChanges = 10_000
)

// unprovenChange is the value of the trailer.
type unprovenChange struct {
	Path    string          `json:"path"`
	Event   string          `json:"event,omitempty"`
	UID     string          `json:"uid"`
	Version string          `json:"resourceVersion"`
	Seen    time.Time       `json:"seen"`
	Wrote   []audit.Manager `json:"wrote,omitempty"`
}

// doubter is a ledger that knows of which changes facts may still come.
type doubter interface {
	Unproven(audit.Change) (kept audit.Change, waits bool)
}

// unproven are the trailers of a commit for its changes of whom it is not known who made them.
func (p part) unproven(w *Writer) (list []gitsync.Trailer) {
	ledger, doubts := w.ledger.(doubter)
	if !doubts {
		return nil
	}
	for _, s := range p.steps {
		for _, c := range s.writes {
			kept, waits := ledger.Unproven(c.Change)
			if !waits || len(list) == unprovenChanges {
				continue
			}
			value, err := json.Marshal(unprovenChange{kept.Tag, kept.Event, kept.UID, kept.ResourceVersion, kept.Seen.UTC(), kept.Managers})
			if err == nil {
				list = append(list, gitsync.Trailer{Key: trailerUnproven, Value: plainJSON(value)})
			}
		}
	}
	return list
}

// plainJSON escapes all but ASCII: clients choose names, and a terminal must not act upon them.
func plainJSON(value []byte) string {
	var b strings.Builder
	for _, r := range string(value) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// UnprovenChange is a change of which it is not known who made it, and the commit that has it.
type UnprovenChange struct {
	Commit gitsync.Hash
	Change audit.Change
}

// Unproven reads back the changes of the last hour of the history of which it is not known who made them, and not noted either.
// Only commits that somebody trusted has signed count.
func (r *Repository) Unproven(keys *keyring.Keys) ([]UnprovenChange, error) {
	tip, err := r.Main()
	if err != nil {
		return nil, err
	}
	signers, err := signersOf(keys)
	if err != nil {
		return nil, err
	}
	notes, err := r.Notes()
	if err != nil {
		return nil, err
	}

	var list []UnprovenChange
	var newest time.Time
	for commit, err := range r.git.Log(tip, recalledCommits) {
		if err != nil {
			return nil, err
		}
		if newest.IsZero() {
			newest = commit.Time
		}
		if newest.Sub(commit.Time) > recalledSpan {
			break
		}
		changes := unprovenOf(commit)
		if len(changes) == 0 || verifyCommit(commit, signers) != nil {
			continue
		}
		noted, err := notes.Of(commit.Hash)
		if err != nil {
			return nil, err
		}
		if list = append(list, notNoted(changes, noted)...); len(list) >= recalledChanges {
			return list[:recalledChanges], nil
		}
	}
	return list, nil
}

// unprovenOf reads the trailers of a commit. What has another form is passed over.
func unprovenOf(commit gitsync.Commit) (list []UnprovenChange) {
	for _, t := range commit.Trailers {
		var c unprovenChange
		if t.Key != trailerUnproven || len(list) == unprovenChanges || json.Unmarshal([]byte(t.Value), &c) != nil || c.UID == "" {
			continue
		}
		list = append(list, UnprovenChange{commit.Hash, audit.Change{
			Tag: c.Path, Event: c.Event, UID: c.UID, ResourceVersion: c.Version, Seen: c.Seen, Managers: c.Wrote,
		}})
	}
	return list
}

// notNoted leaves out the changes of files of which as much is noted as happened to them.
func notNoted(changes []UnprovenChange, notes []Note) (list []UnprovenChange) {
	left := map[string]int{}
	for _, c := range changes {
		left[c.Change.Tag]++
	}
	for _, n := range notes {
		left[n.Path]--
	}
	for _, c := range changes {
		if left[c.Change.Tag] > 0 {
			list = append(list, c)
		}
	}
	return list
}
