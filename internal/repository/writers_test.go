package repository

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// rounds is how many backups TestWritersPruneAndStockGitAtOnce makes; some thousands
// take ten minutes.
var rounds = flag.Int("rounds", 12, "backups that are made beside run, prune and stock git")

// world is what several writers look at: objects by name, each with a value.
type world struct {
	*fixture
	mu      sync.Mutex
	objects map[string]string
}

// made is what the rules make of an object; one whose name begins with "secret" is a
// Secret.
func (f *fixture) made(name, value string) manifest.Result {
	f.Helper()
	kind := "ConfigMap"
	if strings.HasPrefix(name, "secret") {
		kind = "Secret"
	}
	result, err := f.rules().Make(map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "team"}, "data": map[string]any{"value": value},
	})
	if err != nil {
		f.Fatal(err)
	}
	return result
}

// list puts all objects, as one pass over the cluster does.
func (f *fixture) list(w *Writer, objects map[string]string) {
	f.Helper()
	present := map[string]map[string]struct{}{"ConfigMap": {}, "Secret": {}}
	for name, value := range objects {
		result := f.made(name, value)
		present[result.Manifest.ID.Kind][result.Manifest.ID.Path()] = struct{}{}
		if err := w.Put(result); err != nil {
			f.Error(err)
		}
	}
	for kind, paths := range present {
		if err := w.KeepOnly(appbur.GroupKind{Kind: kind}, paths); err != nil {
			f.Error(err)
		}
	}
}

func (f *fixture) committed(w *Writer) Outcome {
	f.Helper()
	outcome, err := w.Commit(f.Context(), f.now(), appbur.Coverage{})
	if err != nil {
		f.Fatalf("%v\nhint: %s", err, appbur.HintOf(err))
	}
	return outcome
}

// values are what the manifests of a commit hold, by name.
func (f *fixture) values(commit gitsync.Hash) map[string]string {
	f.Helper()
	snapshot, err := f.repo.git.Snapshot(commit)
	if err != nil {
		f.Fatal(err)
	}

	found := map[string]string{}
	err = snapshot.Walk("", func(path string, blob gitsync.Hash) error {
		if !appbur.IsManifestPath(path) {
			return nil
		}
		data, err := snapshot.Blob(blob)
		if err != nil {
			return err
		}
		if strings.Contains(path, "/secret/") {
			if data, err = f.opener().OpenManifest(data); err != nil {
				return err
			}
		}
		object, err := manifest.Decode(data)
		if err != nil {
			return err
		}
		id, err := manifest.IDOf(object)
		found[id.Name] = object["data"].(map[string]any)["value"].(string)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return found
}

// Writers that began on the same commit go together: what they saw alike is one
// commit, what differs is decided by who knows the cluster better.
func TestWritersGoOnFromOneAnother(t *testing.T) {
	start := map[string]string{"a": "1", "b": "1", "gone": "1", "secret": "MQ=="}
	for name, test := range map[string]struct {
		first, second map[string]string // what each lists, on top of start
		follows       bool              // the second one
		main, point   map[string]string // what main and a point of the second one hold
		none          bool              // the second one commits nothing
	}{
		"both saw the same": {
			first:  map[string]string{"a": "2", "new": "1", "secret": "Mg=="},
			second: map[string]string{"a": "2", "new": "1", "secret": "Mg=="},
			main:   map[string]string{"a": "2", "new": "1", "secret": "Mg=="},
			none:   true,
		},
		"different files": {
			first:  map[string]string{"a": "2", "b": "1", "gone": "1", "secret": "MQ=="},
			second: map[string]string{"a": "1", "b": "2", "gone": "1", "secret": "Mg=="},
			main:   map[string]string{"a": "2", "b": "2", "gone": "1", "secret": "Mg=="},
			point:  map[string]string{"a": "1", "b": "2", "gone": "1", "secret": "Mg=="},
		},
		"a list yields and its point is what it saw": {
			first:  map[string]string{"a": "newer", "b": "2", "late": "1", "secret": "Mw=="},
			second: map[string]string{"a": "older", "b": "2", "gone": "1", "secret": "Mg=="},
			main:   map[string]string{"a": "newer", "b": "2", "late": "1", "secret": "Mw=="},
			point:  map[string]string{"a": "older", "b": "2", "gone": "1", "secret": "Mg=="},
			none:   true,
		},
		"one that follows the cluster stands": {
			first:   map[string]string{"a": "older", "b": "1", "gone": "1", "secret": "Mg=="},
			second:  map[string]string{"a": "newer", "b": "1", "late": "1", "secret": "Mw=="},
			follows: true,
			main:    map[string]string{"a": "newer", "b": "1", "late": "1", "secret": "Mw=="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			writer := f.begin()
			f.list(writer, start)
			f.committed(writer)
			other, err := Open(f.repo.Dir())
			if err != nil {
				t.Fatal(err)
			}
			first := f.begin()
			second, err := other.Begin(fixtureCluster, "1", f.keys, Guards{}, rand.Reader, f.now)
			if err != nil {
				t.Fatal(err)
			}
			if test.follows {
				second.Follow()
			}

			f.list(first, test.first)
			f.list(second, test.second)
			f.committed(first)
			outcome := f.committed(second)
			if diff := cmp.Diff(test.main, f.values(outcome.Commit)); diff != "" {
				t.Errorf("main (-want +got):\n%s", diff)
			}
			if outcome.Committed == test.none {
				t.Errorf("committed: %v", outcome.Committed)
			}

			point, err := other.SavePoint(t.Context(), outcome.Commit, PointContent{
				Created: f.now(), Cluster: fixtureCluster, Objects: outcome.Objects, Own: outcome.Own,
				Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
			}, f.keys, rand.Reader, f.now)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := f.repo.Resolve(string(point.ID))
			if err != nil {
				t.Fatal(err)
			}
			want := test.point
			if want == nil {
				want = test.main
			}
			if diff := cmp.Diff(want, f.values(ref.Commit)); diff != "" {
				t.Errorf("point (-want +got):\n%s", diff)
			}
			if _, err := f.repo.Load(t.Context(), ref, f.opener()); err != nil {
				t.Error(err)
			}

			// Both go on from there.
			f.list(first, map[string]string{"a": "3"})
			f.committed(first)
			f.list(second, map[string]string{"a": "4"})
			f.committed(second)
			f.git("fsck", "--strict")
		})
	}
}

// Between reading appbur.yaml and writing it somebody looks at the change, while run goes
// on to commit what happens in the cluster.
func TestConfigIsChangedBesideAWriter(t *testing.T) {
	f := newFixture(t)
	f.backup()
	other, err := Open(f.repo.Dir())
	if err != nil {
		t.Fatal(err)
	}
	text := append(other.Config().Text(), "# looked at\n"...)
	writer := f.begin()
	f.list(writer, map[string]string{"meanwhile": "1"})
	f.committed(writer)

	commit, err := other.SetConfig(t.Context(), f.keys, text, f.now())
	if err != nil {
		t.Fatal(err)
	}
	if _, kept := f.values(commit)["meanwhile"]; !kept {
		t.Error("what was committed meanwhile is gone")
	}
	if !strings.Contains(f.git("show", "main:"+appbur.RepositoryFile), "# looked at") {
		t.Error("the change is not on main")
	}

	again := append(f.repo.Config().Text(), "# another\n"...)
	if _, err := f.repo.SetConfig(t.Context(), f.keys, again, f.now()); !errors.Is(err, ErrConfigMoved) {
		t.Errorf("a change of a text that is not there any more: %v, want ErrConfigMoved", err)
	}
}

// What was sealed for recipients that are no longer those of the repository is not
// committed.
func TestWriterStopsWhenTheConfigurationChanges(t *testing.T) {
	f := newFixture(t)
	f.backup()
	other, err := Open(f.repo.Dir())
	if err != nil {
		t.Fatal(err)
	}
	writer, err := other.Begin(fixtureCluster, "1", f.keys, Guards{}, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	f.list(writer, map[string]string{"secret-new": "MQ=="})
	keys, _ := newKeys(t)
	f.mustRotate(f.opener(), Rotation{Add: []string{keys.Recipient}})
	_, err = writer.Commit(t.Context(), f.now(), appbur.Coverage{})
	if !errors.Is(err, gitsync.ErrRefMoved) || !strings.Contains(err.Error(), appbur.RepositoryFile) || nextStep(err) == "" {
		t.Errorf("%v, hint %q", err, appbur.HintOf(err))
	}
}

// A point may be deleted, and pruned without a time of grace, after it was listed and
// before it is read. It is in no list then, and stops nobody.
func TestPointPrunedSinceItWasListed(t *testing.T) {
	f := newFixture(t)
	gone := f.payloadPoint("rows")
	f.time = f.time.Add(time.Hour)
	kept := f.payloadPoint("other rows")
	refs, err := f.repo.Points()
	if err != nil {
		t.Fatal(err)
	}
	ref := refs[slices.IndexFunc(refs, func(r PointRef) bool { return r.ID == gone })]
	described, err := f.repo.Describe(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{gone}, f.trusted(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := f.repo.Maintain(t.Context(), gitsync.MaintainOptions{PruneBefore: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}

	all, err := f.repo.catalogOf(refs, f.trusted(), func(int, int) {})
	if err != nil || len(all.Rejected()) > 0 || len(all.Refs) != 1 || all.Refs[0].ID != kept {
		t.Errorf("%d points, %d rejected, %v", len(all.Refs), len(all.Rejected()), err)
	}
	if err := f.repo.verifyPointCommit(ref, described, nil); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a point that was read in part: %v, want ErrUnreadable", err)
	}
}

// A point that others are built on may be deleted, and pruned without a time of grace,
// while they are made: they have no holes.
func TestPointWhoseBaseIsPruned(t *testing.T) {
	f := newFixture(t)
	f.time = f.time.Add(time.Hour)
	base := f.payloadPoint("rows")
	outcome := f.backup()
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Discard()
	other, err := Open(f.repo.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.DeletePoints(t.Context(), []appbur.RestorePointID{base}, f.trusted(), true); err != nil {
		t.Fatal(err)
	}
	prune := func() {
		t.Helper()
		if _, err := other.Maintain(t.Context(), gitsync.MaintainOptions{PruneBefore: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		f.git("gc", "-q", "--prune=now")
	}

	prune()
	f.stream(writer, "rows")
	prune()
	f.time = f.time.Add(time.Hour)
	f.saved(writer, outcome)
	prune()
	f.git("fsck", "--strict")
	if left := f.git("for-each-ref", "refs/appbur"); left != "" {
		t.Errorf("left: %s", left)
	}
}

var payloadApp = appbur.AppKey{Namespace: "team", Name: "app"}

// stream gives a point the payload of an application.
func (f *fixture) stream(writer *PointWriter, text string) {
	f.Helper()
	d := appbur.Dataset{Name: "data", Schema: "1", MediaType: "application/octet-stream"}
	w, err := writer.Dataset(payloadApp, d)
	if err != nil {
		f.Fatal(err)
	}
	data := []byte(strings.Repeat(text, 100_000))
	if _, err := w.Write(data); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	d.Size, d.Digest = int64(len(data)), appbur.DigestOf(data)
	if err := writer.Application(appbur.AppState{AppKey: payloadApp, App: "app", Version: "1", Datasets: []appbur.Dataset{d}}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) saved(writer *PointWriter, outcome Outcome) appbur.RestorePointID {
	f.Helper()
	point, err := writer.Save(f.Context(), outcome.Commit, PointContent{
		Created: f.now(), Cluster: fixtureCluster, Objects: outcome.Objects, Own: outcome.Own,
		Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	})
	if err != nil {
		f.Fatalf("%v\nhint: %s", err, appbur.HintOf(err))
	}
	return point.ID
}

func (f *fixture) payloadPoint(text string) appbur.RestorePointID {
	f.Helper()
	outcome := f.backup()
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}
	defer writer.Discard()
	f.stream(writer, text)
	return f.saved(writer, outcome)
}

// All that may work on a repository does so at once, each as a process of its own
// would: run follows a cluster that changes, backups are made in a loop, points are
// pruned and their objects dropped, and stock git collects garbage and packs refs
// without a time of grace. Nothing fails and nothing is lost.
func TestWritersPruneAndStockGitAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	w := &world{fixture: newFixture(t), objects: map[string]string{"secret-a": "MQ=="}}
	for n := range 10 {
		w.objects[fmt.Sprint("o", n)] = "1"
	}
	var done atomic.Bool
	var beside sync.WaitGroup
	loop := func(work func(n int)) {
		beside.Go(func() {
			for n := 0; !done.Load(); n++ {
				work(n)
			}
		})
	}

	follower := w.alone().begin()
	follower.Follow()
	w.list(follower, w.objects)
	loop(func(n int) { w.change(follower, n) })
	loop(func(int) {
		w.stockGit("gc -q --prune=now")
		w.stockGit("repack -q -ad")
	})
	loop(func(int) { w.stockGit("pack-refs --all --prune") })
	loop(func(int) { w.prune() })
	t.Cleanup(func() { // also when the test gives up: nothing runs on in a directory that is gone
		done.Store(true)
		beside.Wait()
	})

	points := map[appbur.RestorePointID]bool{}
	for n := range *rounds {
		points[w.backupOf(n)] = true
	}
	done.Store(true)
	beside.Wait()
	w.agree(points)
}

// alone is the fixture of another process.
func (w *world) alone() *fixture {
	w.Helper()
	repo, err := Open(w.repo.Dir())
	if err != nil {
		w.Errorf("open: %v", err)
		runtime.Goexit()
	}
	return &fixture{TB: w.TB, repo: repo, keysDir: w.keysDir, keys: w.keys, time: time.Now()}
}

// stockGit runs a command of git. Git looks once more for an object that it misses, so
// where packs are replaced twice in that moment it says so and ends; it has to work
// when it is run again.
func (w *world) stockGit(command string) {
	const tries = 5
	var out string
	var err error
	for range tries {
		if out, err = w.tryGit(strings.Fields(command)...); err == nil {
			return
		}
	}
	w.Errorf("git %s: %v %s", command, err, out)
}

// change is what a cluster and its watch do.
func (w *world) change(follower *Writer, n int) {
	w.mu.Lock()
	name := fmt.Sprint("o", n%13)
	var err error
	if _, there := w.objects[name]; there && n%5 == 0 {
		delete(w.objects, name)
		err = follower.Delete(w.made(name, "").Manifest.ID, manifest.Revision{})
	} else {
		w.objects[name] = fmt.Sprint(n)
		err = follower.Put(w.made(name, w.objects[name]))
	}
	w.mu.Unlock()
	if err == nil && n%3 == 0 {
		_, err = follower.Commit(w.Context(), time.Now(), appbur.Coverage{})
	}
	if err != nil {
		w.Errorf("run: %v", err)
	}
}

// backupOf makes one backup. The payload comes back after some others, so that it is
// taken over from points that may be pruned.
func (w *world) backupOf(n int) appbur.RestorePointID {
	f := w.alone()
	writer := f.begin()
	point, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		w.Fatal(err)
	}
	defer point.Discard()
	w.mu.Lock()
	objects := maps.Clone(w.objects)
	w.mu.Unlock()
	f.list(writer, objects)
	f.stream(point, fmt.Sprint("payload ", n/4%2))
	outcome := f.committed(writer)
	return f.saved(point, outcome)
}

// prune keeps the newest points and drops at once what only others needed.
func (w *world) prune() {
	f := w.alone()
	refs, err := f.repo.Points()
	if err != nil {
		w.Errorf("points: %v", err)
	}
	var old []appbur.RestorePointID
	for _, ref := range refs[min(len(refs), 3):] {
		old = append(old, ref.ID)
	}
	if err := f.repo.DeletePoints(w.Context(), old, f.trusted(), true); err != nil {
		w.Errorf("prune: %v", err)
	}
	if _, err := f.repo.Maintain(w.Context(), gitsync.MaintainOptions{PruneBefore: time.Now()}); err != nil &&
		!errors.Is(err, gitsync.ErrPruneRaced) {
		w.Errorf("maintain: %v", err)
	}
}

// agree demands that all is there that should be.
func (w *world) agree(points map[appbur.RestorePointID]bool) {
	w.Helper()
	last := w.backupOf(0)
	f := w.alone()
	tip, err := f.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		w.Fatal(err)
	}
	if diff := cmp.Diff(w.objects, f.values(tip)); diff != "" {
		w.Errorf("main and the cluster (-cluster +main):\n%s", diff)
	}
	refs, err := f.repo.Points()
	if err != nil || len(refs) == 0 || !slices.ContainsFunc(refs, func(r PointRef) bool { return r.ID == last }) {
		w.Fatalf("%d points, %v", len(refs), err)
	}

	for _, ref := range refs {
		if !points[ref.ID] && ref.ID != last {
			w.Errorf("%s is nobody's", ref.ID)
		}
		if _, err := f.repo.Load(w.Context(), ref, f.opener()); err != nil {
			w.Error(err)
		}
	}

	f.git("fsck", "--strict", "--full")
	if left := f.git("for-each-ref", "refs/appbur"); left != "" {
		w.Errorf("left: %s", left)
	}
}
