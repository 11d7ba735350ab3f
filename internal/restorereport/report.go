package restorereport

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Report is what the page says. Texts are plain; no value of a Secret is in them.
type Report struct {
	Point string
	// Captured is when the restore point was begun: what was written after it is not in it.
	Captured, Began, Ended time.Time
	Part                   string
	DryRun                 bool
	Target, Cluster        string
	Source, Version        string
	// Failure is why the restore did not come to its end, "" if it did.
	Failure string
	Phases  []Phase
	Counts  []Count
	Apps    []Row
	// Sections are lists of objects; empty ones are left out.
	Sections []Section
}

// Phase is a part of the work with the time that it took.
type Phase struct {
	Name string
	Took time.Duration
}

// Count is how many objects have a result.
type Count struct {
	What string
	N    int
}

// Section is a list of objects with a title.
type Section struct {
	Title string
	Rows  []Row
}

// Row is an object with what there is to say of it.
type Row struct {
	Object string
	What   []string
}

// Age is how old the restore point was when the restore began: the recovery point.
func (r Report) Age() string { return Span(r.Began.Sub(r.Captured)) }

// Took is how long the restore took: the recovery time.
func (r Report) Took() string { return Span(r.Ended.Sub(r.Began)) }

// Outcome says in a word how it ended.
func (r Report) Outcome() string {
	switch {
	case r.Failure != "":
		return "not complete"
	case r.DryRun:
		return "dry run, nothing was changed"
	default:
		return "complete"
	}
}

// Lasted is how long a phase took.
func (p Phase) Lasted() string { return Span(p.Took) }

// Span is a duration as people say it.
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "unknown: the clocks disagree"
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 48*time.Hour:
		text := d.Round(time.Second).String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		return text
	}
	return fmt.Sprintf("%d days %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// Stamp is a moment as people read it everywhere.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Facts are the lines at the top of a page.
func (r Report) Facts() [][2]string {
	facts := [][2]string{
		{"Outcome", r.Outcome()},
		{"Recovery time", r.Took()},
		{"Recovery point", r.Age() + " old: the cluster as of " + Stamp(r.Captured)},
		{"Restore point", r.Point},
		{"Selected", r.Part},
		{"Target", r.Target},
		{"Cluster", r.Cluster},
		{"Kubernetes", r.Source + " to " + r.Version},
		{"Began", Stamp(r.Began)},
		{"Ended", Stamp(r.Ended)},
		{"Why it is not complete", r.Failure},
	}
	kept := facts[:0]
	for _, fact := range facts {
		if fact[1] != "" {
			kept = append(kept, fact)
		}
	}
	return kept
}

// Writer writes a report in one form.
type Writer func(w io.Writer, r Report) error

// forms are the forms of a page by the end of a file's name.
var forms = map[string]Writer{".md": Markdown, ".html": HTML}

// For returns the writer for a file by the end of its name; ok is false for other files.
func For(name string) (write Writer, ok bool) {
	for end, form := range forms {
		if strings.HasSuffix(strings.ToLower(name), end) {
			return form, true
		}
	}
	return nil, false
}
