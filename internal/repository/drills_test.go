package repository

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// drill stores a report and returns its name.
func (f *fixture) drill(summary string) DrillID {
	f.Helper()
	id := must(NewDrillID(f.time, rand.Reader))
	document := []byte(`{"id": "` + string(id) + `"}` + "\n")
	if err := f.repo.SaveDrill(f.Context(), f.keys, DrillReport{ID: id, At: f.time, Summary: summary, Document: document}); err != nil {
		f.Fatal(err)
	}
	f.time = f.time.Add(time.Hour)
	return id
}

// drills are the summaries that are believed, newest first.
func (f *fixture) drills() string {
	f.Helper()
	list, _, err := f.repo.Drills(f.trusted())
	if err != nil {
		f.Fatal(err)
	}
	var summaries []string
	for _, d := range list {
		summaries = append(summaries, d.Summary)
	}
	return strings.Join(summaries, ", ")
}

func TestDrillsOfOthersAreNotBelieved(t *testing.T) {
	f := newFixture(t)
	f.point()
	id := f.drill("passed")
	second := f.drill("failed")
	ref := "refs/tags/drill-reports/"

	// Under another name: a drill that failed takes the place of one that passed.
	f.git("update-ref", ref+"20261231T000000Z-00000000", ref+string(id))
	// What was signed is no longer what is there, nobody has signed it, or it is no report.
	edited := strings.ReplaceAll(f.git("cat-file", "tag", ref+string(second)), "failed", "passed")
	path := filepath.Join(t.TempDir(), "tag")
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	f.git("update-ref", ref+"20261231T000001Z-00000000", strings.TrimSpace(f.git("hash-object", "-t", "tag", "-w", "--literally", path)))
	f.git("-c", "user.name=m", "-c", "user.email=m@m", "tag", "-m", "Drill", "drill-reports/20261231T000002Z-00000000", "main")
	f.git("tag", "drill-reports/notes", "main")

	list, rejected, err := f.repo.Drills(f.trusted())
	if err != nil || len(list) != 2 || list[0].ID != second || list[1].ID != id {
		t.Fatalf("believed are %+v, %v", list, err)
	}
	if list[0].Summary != "failed" || list[0].Signer == "" || !strings.Contains(string(list[0].Document), string(second)) {
		t.Errorf("%+v", list[0])
	}
	if len(rejected) != 4 {
		t.Errorf("rejected are %+v", rejected)
	}
	for _, r := range rejected {
		if !errors.Is(r.Err, ErrUntrusted) && !errors.Is(r.Err, ErrUnreadable) {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
	}
}

// What checks, maintains and lists the repository is not led astray by reports in it.
func TestDrillsAreBesideTheHistory(t *testing.T) {
	f := newFixture(t)
	f.point()
	f.drill("passed")
	f.git("fsck", "--strict")
	if report := f.check(CheckOptions{}); len(report.Findings) != 0 {
		t.Errorf("%+v", report.Findings)
	}
	if len(f.points()) != 1 || f.drills() != "passed" {
		t.Errorf("points %v, drills %s", f.points(), f.drills())
	}
}
