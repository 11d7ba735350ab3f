package restore

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

// tb is what the helpers need of a test; a property has it as well.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// pointOf makes a restore point from live objects, by the rules of a backup.
func pointOf(t tb, live ...map[string]any) Point {
	t.Helper()
	rules := manifest.Default()

	p := Point{
		Meta: appbur.RestorePoint{
			Format: appbur.RestorePointFormat, ID: appbur.NewRestorePointID(time.Date(2026, 11, 21, 3, 2, 38, 0, time.UTC), 0),
			Cluster: appbur.Cluster{ID: "source", Version: appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}},
		},
		Index: make(map[appbur.ObjectID]manifest.Entry),
	}

	for _, object := range live {
		result, err := rules.Make(object)
		if err != nil {
			t.Fatal(err)
		}
		if !result.Decision.Saved {
			t.Fatalf("%s is not saved: %s", result.Manifest.ID, result.Decision.Reason)
		}
		content, err := manifest.Decode(result.Manifest.Data)
		if err != nil {
			t.Fatal(err)
		}
		p.Objects.Add(Object{ID: result.Manifest.ID, APIVersion: result.Manifest.APIVersion, Content: content})
		p.Index[result.Manifest.ID] = result.Entry
	}

	return p
}

func decode(t tb, text string) map[string]any {
	t.Helper()
	object, err := manifest.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}

// readArchive returns the live objects of a golden archive, one per .yaml file.
func readArchive(t tb, path string) (*txtar.Archive, []map[string]any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(data)
	var objects []map[string]any
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".yaml") {
			objects = append(objects, decode(t, string(f.Data)))
		}
	}
	return archive, objects
}

func planText(t tb, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteGraph(&b); err != nil {
		t.Fatal(err)
	}
	b.WriteString("---- for people ----\n")
	if err := p.Render(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func goldenFiles(t tb) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files (%v)", err)
	}
	return files
}

var target = compat.TableTarget(appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1})

func TestPlanGolden(t *testing.T) {
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, objects := readArchive(t, path)
			plan, err := NewPlan(pointOf(t, objects...), target, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkOrder(t, plan)
			got := []byte(planText(t, plan))
			at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "plan.txt" })

			if *update {
				if at < 0 {
					archive.Files, at = append(archive.Files, txtar.File{Name: "plan.txt"}), len(archive.Files)
				}
				archive.Files[at].Data = got
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}

			if at < 0 {
				t.Fatal("the archive has no plan.txt; run the test with -update")
			}
			if diff := cmp.Diff(string(archive.Files[at].Data), string(got)); diff != "" {
				t.Errorf("the plan changed (-want +got):\n%s", diff)
			}
		})
	}
}

// checkOrder states what every plan promises: ids count up, and no step comes
// after one that is not before it.
func checkOrder(t tb, p *Plan) {
	t.Helper()
	for i, s := range p.Steps {
		if s.ID != i+1 {
			t.Errorf("step %d has id %d", i+1, s.ID)
		}

		for _, before := range s.After {
			if before >= s.ID || before < 1 {
				t.Errorf("step %d comes after step %d", s.ID, before)
			}
		}

		for _, need := range s.Needs {
			if !slices.Contains(s.After, need) {
				t.Errorf("step %d needs step %d and does not come after it", s.ID, need)
			}
		}

		if s.Action == ActionApply {
			for _, o := range s.Details().Owners {
				if !o.Late && !slices.ContainsFunc(s.After, func(id int) bool { return p.Steps[id-1].Object == o.Object }) {
					t.Errorf("step %d does not come after its owner %s", s.ID, o.Object)
				}
			}
		}
	}
}

func TestPlanDoesNotDependOnInputOrder(t *testing.T) {
	for _, path := range goldenFiles(t) {
		_, objects := readArchive(t, path)
		point := pointOf(t, objects...)
		first, err := NewPlan(point, target, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := first.Digest()
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 2))

		for range 10 {
			random.Shuffle(point.Objects.Len(), func(i, j int) {
				point.Objects.list[i], point.Objects.list[j] = point.Objects.list[j], point.Objects.list[i]
			})
			plan, err := NewPlan(point, target, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := plan.Digest(); err != nil || got != want {
				t.Fatalf("%s: another order gives another plan (%v)\n%s", path, err, cmp.Diff(planText(t, first), planText(t, plan)))
			}
		}
	}
}

func TestPlanJSON(t *testing.T) {
	_, objects := readArchive(t, "testdata/plan/workload-references.txtar")
	plan, err := NewPlan(pointOf(t, objects...), target, Options{Policy: Policy{AllowBlocked: true}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "aHVudGVyMg==") {
		t.Error("the JSON form of the plan contains the value of a Secret")
	}

	var back Plan
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	wantDigest, err := plan.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.Digest(); err != nil || got != wantDigest {
		t.Errorf("a plan that was saved and read has another digest (%v)", err)
	}
	if !back.Steps[0].Content.IsZero() {
		t.Error("a plan that was read has content")
	}
}

func TestPlanRefusesAPointThatContradictsItself(t *testing.T) {
	one := decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n")
	point := pointOf(t, one, one)
	if _, err := NewPlan(point, target, Options{}); err == nil {
		t.Error("one object twice is accepted")
	}
	point = pointOf(t, one)
	point.Objects.list[0].ID.Name = "other"
	if _, err := NewPlan(point, target, Options{}); err == nil {
		t.Error("content that names another object is accepted")
	}
}

// Each digest is that of what its step sends, whatever was changed on the way.
func TestDigestsAreOfWhatIsSent(t *testing.T) {
	for _, path := range goldenFiles(t) {
		_, objects := readArchive(t, path)
		plan, err := NewPlan(pointOf(t, objects...), target, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Steps {
			if s.Content.IsZero() || s.Action == ActionWait {
				continue
			}
			want, err := digestContent(s.redaction.mask(s.Content.Object()))
			if err != nil || s.Digest != want {
				t.Errorf("%s: the digest of step %d (%s %s) is %s, want %s (%v)", path, s.ID, s.Action, s.Object, s.Digest, want, err)
			}
		}
	}
}

func TestPlanLeavesThePointAlone(t *testing.T) {
	for _, path := range goldenFiles(t) {
		_, objects := readArchive(t, path)
		point := pointOf(t, objects...)
		before := slices.Clone(point.Objects.list)
		if _, err := NewPlan(point, target, Options{}); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(before, point.Objects.list) {
			t.Errorf("%s: planning changed the objects of the point", path)
		}
	}
}
