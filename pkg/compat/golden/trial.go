package golden

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/payload"
)

// Trial is what an application made of one golden: a dry run, an import, an export, an
// import of that export, and a second export.
type Trial struct {
	Golden Golden
	// Now is what the application says about itself.
	Now About
	// DryRun and Import are what it answered to the golden, Again to its own export.
	DryRun, Import, Again Attempt
	// First is what it exported after the import, Second after the import of that. They are
	// nil where it did not come to them.
	First, Second map[string]Exported
}

// Attempt is the answer to an import.
type Attempt struct {
	// Refusal is nil when the import was done.
	Refusal  *Refusal
	Datasets []Answer
}

// Refusal is an import that was not done.
type Refusal struct {
	// Reason is that of the contract, Message the application's words.
	Reason, Message string
}

// Answer is what the application said of one dataset.
type Answer struct {
	Name             string
	Rows             int64
	Digest           appbur.Digest
	SchemaFrom       string
	SchemaTo         string
	Dropped          []Loss
	Filled           []string
	UnknownLeftOut   []string
	UndeclaredLosses []string
}

// Loss is what was in a payload and is not in the state.
type Loss struct {
	Path     string
	From, To string
	Rows     int64
}

// Exported is one dataset as the application exported it.
type Exported struct {
	Schema string
	Digest appbur.Digest
	Rows   []Row
}

// Verdict is what became of a golden.
type Verdict string

// The verdicts.
const (
	// Imported: it was imported and came out as declared.
	Imported Verdict = "imported"
	// RefusedNewer and RefusedOlder: it was refused as it must be, because the application is older
	// than the golden, or no longer reads it.
	RefusedNewer Verdict = "refused: newer than the application"
	RefusedOlder Verdict = "refused: no longer read"
	// Failed: a finding says why.
	Failed Verdict = "failed"
)

// Reasons of the contract by which payloads of other schemas are refused.
const (
	tooNew = "SCHEMA_TOO_NEW"
	tooOld = "SCHEMA_TOO_OLD"
)

// Judged is the judgement of one trial.
type Judged struct {
	Verdict  Verdict
	Findings []Finding
	// Notes say what could not be judged.
	Notes []string
	// Ran are the steps that rows of the golden went through, by dataset.
	Ran map[string][]StepRun
}

// Demand says what an application has to do with a golden, by what it reads: to import it, or
// to refuse it for one of two reasons.
func Demand(now About, g Golden) (Verdict, error) {
	demand := Imported
	for _, d := range g.About.Datasets {
		current, ok := now.Dataset(d.Name)
		if !ok || !g.Has(d.Name) {
			continue
		}
		is, err := compatibility(current, d.Schema)
		switch {
		case err != nil:
			return "", fmt.Errorf("dataset %s: %w", d.Name, err)
		case is == payload.Newer:
			return RefusedNewer, nil
		case is == payload.Outside:
			demand = RefusedOlder
		}
	}
	return demand, nil
}

func compatibility(now Dataset, schema string) (payload.Compatibility, error) {
	writes, err := payload.ParseVersion(now.Schema)
	if err != nil {
		return "", err
	}
	reads, err := payload.ParseRange(now.Reads)
	if err != nil {
		return "", err
	}
	written, err := payload.ParseVersion(schema)
	if err != nil {
		return "", err
	}
	return payload.Judge(writes, reads, written), nil
}

// Judge compares what the application did with what it had to do.
func (t Trial) Judge() Judged {
	j := Judged{Verdict: Imported, Ran: map[string][]StepRun{}}
	demand, err := Demand(t.Now, t.Golden)
	if err != nil {
		j.add(t.finding("", err.Error(), "the application must describe its schemas as the contract says"))
		return j
	}
	if demand != Imported {
		t.judgeRefusal(&j, demand)
		return j
	}

	t.judgeDryRun(&j)
	if t.Import.Refusal != nil {
		if j.Verdict == Failed {
			return j // the dry run was done, and what the import said to it is told
		}
		j.add(t.finding("", "the import was refused: "+t.Import.Refusal.text(),
			"it reads this schema by its own words; mend the import, or its upcasts"))
		return j
	}

	for _, d := range t.Golden.About.Datasets {
		if t.Golden.Has(d.Name) {
			t.judgeDataset(&j, d)
		}
	}
	t.judgeFixedPoint(&j)
	return j
}

func (r Refusal) text() string {
	if r.Reason == "" {
		return r.Message
	}
	return r.Reason + ": " + r.Message
}

func (j *Judged) add(f Finding) {
	j.Findings = append(j.Findings, f)
	j.Verdict = Failed
}

func (t Trial) finding(dataset, what, hint string) Finding {
	f := Finding{Gate: Imports, Release: t.Golden.Release, Dataset: dataset, What: what, Hint: hint}
	if d, ok := t.Golden.About.Dataset(dataset); ok {
		f.Schema = d.Schema
		if d.File != "" {
			f.File = t.Golden.Release + "/" + d.File
		}
	}
	return f
}

// judgeRefusal wants a refusal with its reason.
func (t Trial) judgeRefusal(j *Judged, demand Verdict) {
	reason := tooNew
	hint := "refuse it with SCHEMA_TOO_NEW: an older release cannot know what it would lose"
	if demand == RefusedOlder {
		reason, hint = tooOld, "refuse it with SCHEMA_TOO_OLD, or read its schema"
	}
	for _, attempt := range []struct {
		what string
		Attempt
	}{{"the dry run", t.DryRun}, {"the import", t.Import}} {
		switch {
		case attempt.Refusal == nil:
			j.add(t.finding("", attempt.what+" took a schema that the application does not read by its own words", hint))
		case attempt.Refusal.Reason != reason:
			j.add(t.finding("", fmt.Sprintf("%s was refused with another reason than %s: %s", attempt.what, reason, attempt.Refusal.text()), hint))
		}
	}
	if j.Verdict != Failed {
		j.Verdict = demand
	}
}

// judgeDryRun wants the dry run to foretell the import.
func (t Trial) judgeDryRun(j *Judged) {
	const hint = "a dry run has to do everything but commit, so that its answer is that of the import"
	dry, done := t.DryRun.Refusal, t.Import.Refusal
	switch {
	case dry != nil && done != nil && dry.Reason != done.Reason:
		j.add(t.finding("", fmt.Sprintf("the dry run was refused with %s, the import with %s", dry.text(), done.text()), hint))
	case dry != nil && done == nil:
		j.add(t.finding("", "the dry run was refused, and the import was not: "+dry.text(), hint))
	case dry == nil && done != nil:
		j.add(t.finding("", "the dry run was done, and the import was not: "+done.text(), hint))
	}
	if dry != nil || done != nil {
		return
	}

	for _, said := range t.Import.Datasets {
		i := slices.IndexFunc(t.DryRun.Datasets, func(a Answer) bool { return a.Name == said.Name })
		switch {
		case i < 0:
			j.add(t.finding(said.Name, "the dry run says nothing of it", hint))
		case !t.sameAnswer(t.DryRun.Datasets[i], said):
			j.add(t.finding(said.Name, "the dry run gives another result than the import", hint))
		}
	}
}

// sameAnswer leaves digests out where the application fills in what cannot be predicted.
func (t Trial) sameAnswer(a, b Answer) bool {
	now, _ := t.Now.Dataset(a.Name)
	_, unforeseen, err := defaults(now)
	comparable := err == nil && !slices.ContainsFunc(a.Filled, func(f string) bool { return slices.Contains(unforeseen, f) })
	return a.Rows == b.Rows && a.SchemaFrom == b.SchemaFrom && a.SchemaTo == b.SchemaTo && slices.Equal(a.Dropped, b.Dropped) &&
		slices.Equal(a.Filled, b.Filled) && (a.Digest == b.Digest || !comparable)
}

// judgeDataset compares what came out with what was declared.
func (t Trial) judgeDataset(j *Judged, d Dataset) {
	const hint = "the upcast and its declared changes disagree, or the application loses or changes what it imports"
	now, there := t.Now.Dataset(d.Name)
	got, exported := t.First[d.Name]
	if !there || !exported {
		j.add(t.finding(d.Name, "the application does not have the dataset any more", "keep it, or say in its upcast what became of its rows"))
		return
	}
	if d.Opaque() || now.Opaque() {
		t.judgeOpaque(j, d, now, got)
		return
	}

	said := Answer{}
	if i := slices.IndexFunc(t.Import.Datasets, func(a Answer) bool { return a.Name == d.Name }); i >= 0 {
		said = t.Import.Datasets[i]
	}
	now.Sensitive = now.Sensitive || d.Sensitive
	want, err := Expect(now, d.Schema, t.Golden.Rows[d.Name], said.UnknownLeftOut)
	if err != nil {
		j.add(t.finding(d.Name, "the declared changes cannot be applied: "+err.Error(), hint))
		return
	}
	j.Ran[d.Name] = want.Ran
	for _, path := range said.UndeclaredLosses {
		j.add(t.finding(d.Name, "an upcast loses "+path+", which it does not declare", "declare a drop with its reason, or keep the value"))
	}
	if !want.Declared {
		j.Notes = append(j.Notes, fmt.Sprintf("release %s, dataset %s: the step from schema %s is code alone, so only the fixed point was checked",
			t.Golden.Release, d.Name, d.Schema))
		return
	}
	for _, difference := range Compare(now, want.Rows, got.Rows, want.Ignored) {
		j.add(t.finding(d.Name, difference, hint))
	}
}

func (t Trial) judgeOpaque(j *Judged, d, now Dataset, got Exported) {
	switch {
	case d.Opaque() != now.Opaque():
		j.add(t.finding(d.Name, fmt.Sprintf("it is %s now, and was %s", now.MediaType, d.MediaType), "a dataset keeps its media type"))
	case d.Schema != now.Schema:
		j.Notes = append(j.Notes, fmt.Sprintf("release %s, dataset %s: it is opaque and was brought from schema %s to %s, so only the fixed point was checked",
			t.Golden.Release, d.Name, d.Schema, now.Schema))
	case got.Digest != t.Golden.Opaque[d.Name]:
		j.add(t.finding(d.Name, "its bytes are others after the import", "equal state has to give equal bytes"))
	}
}

// judgeFixedPoint wants the second round to change nothing.
func (t Trial) judgeFixedPoint(j *Judged) {
	const hint = "what an application exports it has to import unchanged: look for values that are made anew by an import"
	if t.Again.Refusal != nil {
		j.add(t.finding("", "it does not import what it exported itself: "+t.Again.Refusal.text(), hint))
		return
	}
	for _, said := range t.Again.Datasets {
		if len(said.Dropped) > 0 || len(said.Filled) > 0 {
			j.add(t.finding(said.Name, "the import of its own export drops or fills fields", hint))
		}
	}
	for _, d := range t.Now.Datasets {
		first, second := t.First[d.Name], t.Second[d.Name]
		if first.Digest == second.Digest {
			continue
		}
		what := "the second round does not give the first one's bytes"
		if differences := Compare(d, first.Rows, second.Rows, nil); len(differences) > 0 {
			what = "the second round is another one than the first: " + differences[0]
		}
		j.add(t.finding(d.Name, what, hint))
	}
}
