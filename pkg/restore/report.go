package restore

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
)

// ReportFormat is the version of the report's JSON document.
const ReportFormat = 1

// Result is what became of one object. The set is closed.
type Result string

// The results of a restore.
const (
	// Created objects were not there before.
	Created Result = "created"
	// Configured objects were there and were brought to the plan.
	Configured Result = "configured"
	// Unchanged objects were there and equal to the plan.
	Unchanged Result = "unchanged"
	// Skipped objects were left out according to the plan.
	Skipped Result = "skipped"
	// Deleted objects were there and are gone.
	Deleted Result = "deleted"
	// Failed objects are not, or not wholly, as the plan says.
	Failed Result = "failed"
)

// Outcome is what became of one object, over all steps about it.
type Outcome struct {
	Object     appbur.ObjectID `json:"object"`
	APIVersion string          `json:"apiVersion,omitempty"`
	Result     Result          `json:"result"`
	// Converted is true when the object was applied in another form than saved.
	Converted bool `json:"converted,omitempty"`
	// UID is that of an object that was created.
	UID string `json:"uid,omitempty"`
	// Attempts counts requests, when there was more than one for some step.
	Attempts int `json:"attempts,omitempty"`
	// Unchecked is true when a dry run could not be sent to the server.
	Unchecked bool `json:"unchecked,omitempty"`
	// Reason says why it failed or was skipped, Hint what to do.
	Reason string `json:"reason,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Cause names the object whose failure kept this one from being tried.
	Cause *appbur.ObjectID `json:"cause,omitempty"`
	// Notes are facts about an object that did not fail.
	Notes []string `json:"notes,omitempty"`
}

// Counts counts objects by result. Every object has exactly one result; Converted
// says how many of the created, configured and unchanged were converted.
type Counts struct {
	Created    int `json:"created"`
	Configured int `json:"configured"`
	Unchanged  int `json:"unchanged"`
	Skipped    int `json:"skipped"`
	Failed     int `json:"failed"`
	Deleted    int `json:"deleted,omitempty"`
	Converted  int `json:"converted"`
}

// Report says what a restore did. It is true at any time: a run that was
// cancelled reports what it did until then.
type Report struct {
	Format int                   `json:"format"`
	Point  appbur.RestorePointID `json:"restorePoint"`
	Counts Counts                `json:"counts"`
	// Remaining counts objects that were not tried because the run was cancelled, or a phase was not ready.
	Remaining int `json:"remaining"`
	// Outcomes are sorted by object.
	Outcomes []Outcome `json:"outcomes"`
	// Phases are the declared phases that were begun.
	Phases []PhaseOutcome `json:"phases,omitempty"`
	// Apps are the outcomes of [Import], in the order of the plan.
	Apps []AppOutcome `json:"apps,omitempty"`
}

// Failures returns the outcomes of objects that failed, causes before the objects
// that were not tried because of them.
func (r *Report) Failures() []Outcome {
	var failed []Outcome
	for _, o := range r.Outcomes {
		if o.Result == Failed {
			failed = append(failed, o)
		}
	}
	slices.SortStableFunc(failed, func(a, b Outcome) int {
		rank := func(o Outcome) int {
			if o.Cause != nil {
				return 1
			}
			return 0
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return failed
}

// String returns the counts in one line.
func (c Counts) String() string {
	deleted := ""
	if c.Deleted > 0 {
		deleted = fmt.Sprintf("%d deleted, ", c.Deleted)
	}
	return fmt.Sprintf("%d created, %d configured, %d unchanged, %s%d skipped, %d failed (%d converted)",
		c.Created, c.Configured, c.Unchanged, deleted, c.Skipped, c.Failed, c.Converted)
}

func (c *Counts) add(o Outcome) {
	switch o.Result {
	case Created:
		c.Created++
	case Configured:
		c.Configured++
	case Unchanged:
		c.Unchanged++
	case Skipped:
		c.Skipped++
	case Deleted:
		c.Deleted++
	case Failed:
		c.Failed++
	}
	if o.Converted && o.Result != Failed && o.Result != Skipped && o.Result != Deleted {
		c.Converted++
	}
}

// MarshalJSON writes an empty list of outcomes as [], not null.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	if r.Outcomes == nil {
		r.Outcomes = []Outcome{}
	}
	return json.Marshal(plain(r))
}
