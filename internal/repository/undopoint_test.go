package repository

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// undoSecret is what an undo point of the tests holds.
var undoSecret = map[string]any{
	"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": map[string]any{"key": "aHVudGVyMg=="},
	"metadata": map[string]any{"name": "db", "namespace": "team"},
}

var undoMade = appbur.ObjectID{Kind: "ConfigMap", Namespace: "team", Name: "a"}

func (f *fixture) saveUndo() Undo {
	f.Helper()
	writer, err := f.repo.BeginUndo(f.keys, strings.NewReader(strings.Repeat("random", 1000)), f.now)
	if err != nil {
		f.Fatal(err)
	}
	defer writer.Discard()
	result, err := f.rules().Make(undoSecret)
	if err != nil {
		f.Fatal(err)
	}
	if err := writer.Put(result); err != nil {
		f.Fatal(err)
	}
	u, err := writer.Save(f.Context(), Undo{Created: f.now(), Cluster: fixtureCluster, Absent: []MadeObject{{undoMade, "v1", ""}}})
	if err != nil {
		f.Fatal(err)
	}
	return u
}

func (f *fixture) undos(cluster string) ([]Undo, []error) {
	f.Helper()
	trusted, err := f.keys.Trusted()
	if err != nil {
		f.Fatal(err)
	}
	list, rejected, err := f.repo.Undos(cluster, trusted)
	if err != nil {
		f.Fatal(err)
	}
	return list, rejected
}

func (f *fixture) stockGit(args ...string) string {
	f.Helper()
	out, err := exec.CommandContext(f.Context(), "git", append([]string{"-C", f.repo.Dir()}, args...)...).CombinedOutput()
	if err != nil {
		f.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// An undo point comes back as it was saved, moves no branch, and is no restore point.
func TestUndoPointsComeBack(t *testing.T) {
	f := newFixture(t)
	main, err := f.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	u := f.saveUndo()
	made := []MadeObject{{undoMade, "v1", "u"}}
	if err := f.repo.NoteMade(t.Context(), f.keys, u, made); err != nil {
		t.Fatal(err)
	}

	list, rejected := f.undos(fixtureCluster.ID)
	if len(list) != 1 || len(rejected) > 0 || !list[0].Ended || len(list[0].Made) != 1 || list[0].Made[0] != made[0] {
		t.Fatalf("%+v, %v", list, rejected)
	}
	loaded, err := f.repo.LoadUndo(t.Context(), list[0], f.opener())
	if err != nil {
		t.Fatal(err)
	}
	if data, ok := loaded.Objects[0].Content["data"].(map[string]any); !ok || data["key"] != "aHVudGVyMg==" {
		t.Errorf("%v", loaded.Objects[0].Content)
	}
	if text := f.stockGit("show", "undo-points/"+string(u.ID)+":namespaces/team/secret/db.yaml"); strings.Contains(text, "aHVudGVyMg") {
		t.Errorf("it is not sealed:\n%s", text)
	}
	if after, err := f.repo.git.Tip(gitsync.MainRef); err != nil || after != main {
		t.Errorf("main moved: %v", err)
	}
	if points, err := f.repo.Points(); err != nil || len(points) > 0 {
		t.Errorf("%v, %v", points, err)
	}

	if err := f.repo.DropUndo(t.Context(), list[0]); err != nil {
		t.Fatal(err)
	}
	if list, _ := f.undos(fixtureCluster.ID); len(list) > 0 || f.stockGit("tag", "--list") != "" {
		t.Errorf("it is still there: %v", list)
	}
}

// An undo point counts when somebody trusted has signed it, for its own cluster, and with a list of
// what was made that belongs to it.
func TestUndoPointsAreBelieved(t *testing.T) {
	f := newFixture(t)
	u := f.saveUndo()
	if list, rejected := f.undos("another"); len(list)+len(rejected) > 0 {
		t.Errorf("for another cluster: %v, %v", list, rejected)
	}
	if list, _ := f.undos(fixtureCluster.ID); len(list) != 1 || list[0].Ended {
		t.Errorf("%+v", list)
	}

	forged := "undo-points/20261122T000000Z"
	f.stockGit("-c", "user.name=x", "-c", "user.email=x@x", "tag", "-a", "-m", "x", forged, "undo-points/"+string(u.ID)+"^{commit}")
	list, rejected := f.undos(fixtureCluster.ID)
	if len(list) != 1 || len(rejected) != 1 || !errors.Is(rejected[0], ErrUntrusted) {
		t.Errorf("an unsigned one: %v, %v", list, rejected)
	}
	f.stockGit("tag", "-d", forged)

	// A genuine tag under another name, and the list of another undo point.
	f.stockGit("update-ref", "refs/tags/"+forged, "undo-points/"+string(u.ID))
	if list, rejected := f.undos(fixtureCluster.ID); len(list) != 1 || len(rejected) != 1 {
		t.Errorf("under another name: %v, %v", list, rejected)
	}
	f.stockGit("tag", "-d", forged)
	f.time = f.time.Add(time.Hour)
	later := f.saveUndo()
	if err := f.repo.NoteMade(t.Context(), f.keys, later, nil); err != nil {
		t.Fatal(err)
	}
	f.stockGit("update-ref", "refs/tags/undo-points/"+string(u.ID)+"-made", "undo-points/"+string(later.ID)+"-made")
	list, rejected = f.undos(fixtureCluster.ID)
	if len(list) != 1 || len(rejected) != 1 || !errors.Is(rejected[0], ErrUntrusted) {
		t.Errorf("with the list of another: %v, %v", list, rejected)
	}
}

// Only the newest undo points of a cluster stay.
func TestOldUndoPointsAreForgotten(t *testing.T) {
	f := newFixture(t)
	first := f.saveUndo()
	for range keptUndoPoints {
		f.time = f.time.Add(time.Minute)
		f.saveUndo()
	}
	list, _ := f.undos(fixtureCluster.ID)
	if len(list) != keptUndoPoints || list[len(list)-1].ID == first.ID {
		t.Errorf("%d undo points", len(list))
	}
}
