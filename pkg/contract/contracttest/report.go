package contracttest

import (
	"fmt"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// SkipKind says why a case was skipped, which decides what that means.
type SkipKind string

// The kinds.
const (
	// NotOffered: the application does not offer what a conditional case is about.
	NotOffered SkipKind = "not offered"
	// NotApplicable: the application has nothing that the case could be about, for
	// example no second dataset.
	NotApplicable SkipKind = "not applicable"
	// NotRun: a hook, golden payloads, or time are missing. Nothing is
	// known.
	NotRun SkipKind = "not run"
)

// Result is the outcome of one case.
type Result struct {
	Case
	Outcome Outcome
	// Skip says why a case was skipped.
	Skip SkipKind
	// Err says why a case failed or was skipped.
	Err error
	// Notes say what a case that passed did not look at.
	Notes []string
	// Duration is how long the case took.
	Duration time.Duration
}

// Report is the outcome of all cases that were selected.
type Report struct{ Results []Result }

// Failed returns the ids of the cases that failed.
func (r Report) Failed() []string {
	return r.ids(func(result Result) bool { return result.Outcome == Failed })
}

// Missing returns the ids of the cases that the application must pass and that
// were not run. An application has shown that it keeps the contract when nothing
// failed and nothing is missing.
func (r Report) Missing() []string { return r.ids(Result.missing) }

func (r Result) missing() bool {
	return r.Outcome == Skipped && r.Skip == NotRun && r.Level != Recommended
}

func (r Report) ids(want func(Result) bool) []string {
	var ids []string
	for _, result := range r.Results {
		if want(result) {
			ids = append(ids, result.ID)
		}
	}
	return ids
}

// Count returns how many cases ended so.
func (r Report) Count(o Outcome) int {
	return len(r.ids(func(result Result) bool { return result.Outcome == o }))
}

// CountSkipped returns how many cases were skipped for this kind of reason.
func (r Report) CountSkipped(k SkipKind) int {
	return len(r.ids(func(result Result) bool { return result.Outcome == Skipped && result.Skip == k }))
}

// Summary counts everything, and says aloud what is missing.
func (r Report) Summary() string {
	text := fmt.Sprintf("%d passed, %d failed, %d skipped (%d not offered, %d not applicable, %d not run)",
		r.Count(Passed), r.Count(Failed), r.Count(Skipped), r.CountSkipped(NotOffered), r.CountSkipped(NotApplicable), r.CountSkipped(NotRun))
	if missing := r.Missing(); len(missing) > 0 {
		text += fmt.Sprintf("\nNOT SHOWN: %d cases that the application must pass were not run: %s", len(missing), appbur.Shortlist(missing, 10))
	}
	return text
}

// String returns one line per case and the summary.
func (r Report) String() string {
	var b strings.Builder
	for _, result := range r.Results {
		fmt.Fprintf(&b, "%-8s %s %s", result.Outcome, result.ID, result.Title)
		if result.Skip != "" {
			fmt.Fprintf(&b, ": %s", result.Skip)
		}
		if result.Err != nil {
			fmt.Fprintf(&b, ": %v", result.Err)
		}
		for _, note := range result.Notes {
			fmt.Fprintf(&b, " (note: %s)", note)
		}
		b.WriteByte('\n')
	}
	return b.String() + r.Summary() + "\n"
}
