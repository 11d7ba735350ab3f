package findings

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Level says how grave a finding is.
type Level string

// The levels. Only errors make a check fail.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Finding is one thing that a check found.
type Finding struct {
	// Rule is the stable id of the rule (see the documentation of the package).
	Rule  string `json:"rule"`
	Level Level  `json:"level"`
	// Subject is what it was found in: an object, an application, a payload.
	Subject string `json:"subject"`
	// Detail tells findings of a rule in one subject apart: the path of a field, an API version. It must not change as long
	// as the finding is the same.
	Detail string `json:"detail,omitempty"`
	// File is where the subject is written, with slashes, and Line counts from 1. Both are empty where there is no file.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Versions are those that it was found for, where several were asked about.
	Versions []string `json:"versions,omitempty"`
	// Message says what is wrong, in one sentence.
	Message string `json:"message"`
	// Reason says why, and Source who says so.
	Reason string `json:"reason,omitempty"`
	Source string `json:"source,omitempty"`
	// Hint is the next step for a person.
	Hint string `json:"hint,omitempty"`
	// Fingerprint is what a baseline knows it by, and Known is true when one does.
	Fingerprint string `json:"fingerprint"`
	Known       bool   `json:"known,omitempty"`
}

// Rule describes what findings with its id have in common.
type Rule struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Why says in a sentence or two what is behind it.
	Why string `json:"why,omitempty"`
	// Link is a page about it.
	Link string `json:"link,omitempty"`
}

// Tool is what made a report.
type Tool struct {
	Name    string
	Version string
	Rules   []Rule
}

// Subject is something that was checked.
type Subject struct {
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Report is everything that one check found.
type Report struct {
	Tool Tool
	// Title says what was checked, and Summary what came of it; a line each.
	Title   string
	Summary string
	// Checked are the subjects that were checked, those with findings included.
	Checked  []Subject
	Findings []Finding
	// Gone is what a baseline has and this check did not find ([Report.Apply]).
	Gone []Accepted
}

// Seal brings the findings into order and gives them their fingerprints.
func (r *Report) Seal() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Level.rank(), b.Level.rank()), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Detail, b.Detail), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
		)
	})

	seen := map[[3]string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		key := [3]string{f.Rule, f.Subject, f.Detail}
		f.Fingerprint = fingerprint(key, seen[key])
		seen[key]++
	}
}

func (l Level) rank() int { return slices.Index([]Level{Error, Warning, Note}, l) }

func fingerprint(key [3]string, occurrence int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d", key, occurrence))
	return hex.EncodeToString(sum[:16])
}

// Fails reports whether there is an error that no baseline knows.
func (r Report) Fails() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Error && !f.Known })
}

// Count counts the findings of a level, and of those the known ones.
func (r Report) Count(level Level) (all, known int) {
	for _, f := range r.Findings {
		if f.Level != level {
			continue
		}
		all++
		if f.Known {
			known++
		}
	}
	return all, known
}

// text is the finding in one paragraph, for formats that have one field for it.
func (f Finding) text() string {
	text := f.Message
	if len(f.Versions) > 0 {
		text = "for " + strings.Join(f.Versions, ", ") + ": " + text
	}
	if f.Reason != "" {
		text += " (" + f.Reason + ")"
	}
	if f.Hint != "" {
		text += "; " + f.Hint
	}
	return text
}

// place is the file of a finding, or what stands for it in formats that cannot do without: the subject.
func (f Finding) place() (file string, line int) {
	if f.File == "" {
		return f.Subject, 1
	}
	return f.File, max(f.Line, 1)
}
