package rewrite

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

// pointOf makes a restore point of manifests in one YAML file.
func pointOf(t testing.TB, manifests string) restore.Point {
	t.Helper()
	p := restore.Point{Index: map[appbur.ObjectID]manifest.Entry{}}
	for i, text := range strings.Split(manifests, "\n---\n") {
		content, err := manifest.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		id, err := manifest.IDOf(content)
		if err != nil {
			t.Fatal(err)
		}
		apiVersion, _ := content["apiVersion"].(string)
		p.Objects.Add(restore.Object{ID: id, APIVersion: apiVersion, Content: content})
		p.Index[id] = manifest.Entry{UID: fmt.Sprint("uid-", i)}
	}
	return p
}

func mapped(t testing.TB, c Changes, pairs ...string) Changes {
	t.Helper()
	var err error
	if c.Namespaces, err = ParseNamespaces(pairs); err != nil {
		t.Fatal(err)
	}
	return c
}

func apply(t testing.TB, c Changes, p restore.Point) restore.Point {
	t.Helper()
	changed, err := c.Apply(p)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// report is what was changed in a point, and noted, as text.
func report(p restore.Point) string {
	var b strings.Builder
	for _, o := range p.Objects.All() {
		fmt.Fprintln(&b, o.ID)
		for _, c := range o.Rewritten {
			fmt.Fprintf(&b, "    %s: %s\n", c.Path, c.What)
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note %s: %s\n", n.Object, n.What)
	}
	return b.String()
}

// Each archive holds objects with references to the namespace shop, among texts that only look
// like them, and what mapping it to store changes. Together they use every row of the table.
func TestEveryFieldOfTheTable(t *testing.T) {
	files, _ := filepath.Glob("testdata/fields/*.txtar")
	used := make([]bool, len(NamespaceFields()))

	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(data)
			point := pointOf(t, string(archive.Files[0].Data))
			use(t, used, point)

			there := apply(t, mapped(t, Changes{}, "shop=store"), point)
			compare(t, path, archive, report(there))
			if back := apply(t, mapped(t, Changes{}, "store=shop"), there); !sameContent(point, back) {
				t.Errorf("there and back is not the same:\n%s", cmp.Diff(contents(point), contents(back)))
			}
		})
	}

	for i, f := range NamespaceFields() {
		if !used[i] {
			t.Errorf("no archive uses the row %s %s", f.Kind, f.Path)
		}
		if f.Reason == "" || !strings.HasPrefix(f.Source, "https://") {
			t.Errorf("the row %s %s needs a reason and a source", f.Kind, f.Path)
		}
	}
}

// use marks the rows that would change something in the point.
func use(t *testing.T, used []bool, p restore.Point) {
	t.Helper()
	for i, f := range NamespaceFields() {
		r, err := newRow(f)
		if err != nil {
			t.Fatalf("%s %s: %v", f.Kind, f.Path, err)
		}
		for _, o := range p.Objects.All() {
			_, changed := r.path.edit(o.Content, func(s spot) (string, bool) {
				_, namespace, _, ok := r.form(s.value)
				return "x", ok && namespace == "shop" && r.meant(s.around)
			})
			used[i] = used[i] || changed && r.about(o.ID.GroupKind())
		}
	}
}

func contents(p restore.Point) (all []map[string]any) {
	for _, o := range p.Objects.All() {
		all = append(all, o.Content)
	}
	return all
}

func sameContent(a, b restore.Point) bool { return cmp.Equal(contents(a), contents(b)) }

// compare compares a report with that of an archive, or writes it.
func compare(t *testing.T, path string, archive *txtar.Archive, got string) {
	t.Helper()
	at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "changes.txt" })
	if *update {
		if at < 0 {
			archive.Files, at = append(archive.Files, txtar.File{Name: "changes.txt"}), len(archive.Files)
		}
		archive.Files[at].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if at < 0 {
		t.Fatal("the archive has no changes.txt; run the test with -update")
	}
	if diff := cmp.Diff(string(archive.Files[at].Data), got); diff != "" {
		t.Errorf("it has changed; run with -update and read the diff:\n%s", diff)
	}
}
