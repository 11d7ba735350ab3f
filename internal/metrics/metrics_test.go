package metrics

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

var update = flag.Bool("update", false, "rewrite the table in docs/metrics.md, and testdata")

// desk is a writer whose changes are numbers.
type desk struct {
	waiting int
	commit  func() (repository.Outcome, error)
}

func (d *desk) Put(manifest.Result) error                            { d.waiting++; return nil }
func (d *desk) Delete(appbur.ObjectID, manifest.Revision) error      { d.waiting++; return nil }
func (d *desk) KeepOnly(appbur.GroupKind, map[string]struct{}) error { return nil }
func (d *desk) Doubt(appbur.GroupKind)                               {}
func (d *desk) Changed() bool                                        { return d.waiting > 0 }
func (d *desk) Waiting() int                                         { return d.waiting }
func (d *desk) CountByKind([]appbur.GroupKind) map[appbur.GroupKind]int {
	return map[appbur.GroupKind]int{{Kind: "Secret"}: 3}
}

func (d *desk) Commit(context.Context, time.Time, appbur.Coverage) (repository.Outcome, error) {
	if d.commit != nil {
		return d.commit()
	}
	d.waiting = 0
	return repository.Outcome{Committed: true}, nil
}

// shelf is a repository that holds what a test says.
type shelf struct {
	catalog repository.Catalog
	remotes []repository.Remote
	pushes  map[string]time.Time
	broken  atomic.Bool
}

func (s *shelf) fails() error {
	if s.broken.Load() {
		return errors.New("no such disk")
	}
	return nil
}

func (s *shelf) Points() ([]repository.PointRef, error)     { return s.catalog.Refs, s.fails() }
func (s *shelf) Catalog([]byte) (repository.Catalog, error) { return s.catalog, s.fails() }
func (s *shelf) Remotes() ([]repository.Remote, error)      { return s.remotes, s.fails() }
func (s *shelf) RequiredRemotes() (int, error)              { return len(s.remotes), nil }
func (s *shelf) LastPushes() (map[string]time.Time, error)  { return s.pushes, nil }
func (s *shelf) Usage() (gitsync.Usage, error) {
	return gitsync.Usage{Packs: 2, Loose: 3, Bytes: 4096}, nil
}

func (s *shelf) add(p appbur.RestorePoint) {
	p.Ended = p.Started
	s.catalog.Refs = slices.Insert(s.catalog.Refs, 0, repository.PointRef{ID: p.ID, Tagged: p.Started})
	s.catalog.Points = slices.Insert(s.catalog.Points, 0, p)
}

// look has the metrics read a repository once.
func look(t *testing.T, m *Metrics, s *shelf) {
	t.Helper()
	f := &follower{metrics: m, repo: s, signers: func() ([]byte, error) { return nil, nil }}
	if err := f.look(); err != nil {
		t.Fatal(err)
	}
}

// scrape returns the samples of appbur itself, by name and labels.
func scrape(t *testing.T, m *Metrics) map[string]string {
	t.Helper()
	samples := map[string]string{}
	for line := range strings.Lines(scrapeText(t, m)) {
		if at := strings.LastIndex(line, " "); strings.HasPrefix(line, namespace) {
			samples[line[len(namespace):at]] = strings.TrimSpace(line[at:])
		}
	}
	return samples
}

func scrapeText(t *testing.T, m *Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// wants compares some samples.
func wants(t *testing.T, m *Metrics, want map[string]string) {
	t.Helper()
	got := scrape(t, m)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// busy is a daemon that has done a bit of everything.
func busy(t *testing.T) *Metrics {
	t.Helper()
	m := New("1.2.3", time.Now)
	w := m.Writer(&desk{})
	h := measuredHandler{ignoring{}, m}
	_ = h.Synced(exporter.Type{}, appbur.TypeCoverage{Kind: "Secret", Complete: true, Saved: 3, Excluded: 1, Failed: 1}, nil)
	_ = h.Failed(appbur.TypeCoverage{Group: "apps", Kind: "Deployment", Reason: "the server failed: 500"})
	_ = w.Put(manifest.Result{})
	if _, err := w.Commit(t.Context(), time.Now(), appbur.Coverage{}); err != nil {
		t.Fatal(err)
	}
	_ = w.Put(manifest.Result{})

	s := &shelf{remotes: []repository.Remote{{Name: "forge"}}}
	s.add(appbur.RestorePoint{
		ID: "20260101T000000Z", Started: time.Now(), Objects: 7,
		Apps: []appbur.AppState{{AppKey: appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}}},
	})
	look(t, m, s)
	push := m.Pushes(func(context.Context) (*repository.Replication, error) {
		return &repository.Replication{Remotes: []repository.PushResult{{Remote: "forge", Bytes: 10}}}, nil
	}, s.Points)
	if _, err := push(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(t, m, s)
	m.SetDrills(nil)
	return m
}

// ignoring is a handler that does nothing.
type ignoring struct{ exporter.Handler }

func (ignoring) Synced(exporter.Type, appbur.TypeCoverage, map[string]struct{}) error { return nil }
func (ignoring) Failed(appbur.TypeCoverage) error                                     { return nil }
func (ignoring) Gone(exporter.Type) error                                             { return nil }
func (ignoring) Holes([]appbur.GroupFailure) error                                    { return nil }

// Prometheus' own linter has nothing to say.
func TestNamesAndHelpAreAsPrometheusWantsThem(t *testing.T) {
	m := busy(t)
	problems, err := testutil.GatherAndLint(m.Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// docs/metrics.md has each metric that is exposed, and no other.
func TestThePageListsEveryMetric(t *testing.T) {
	const page, begin, end = "../../docs/metrics.md", "<!-- metrics -->\n", "<!-- end of metrics -->"
	var table strings.Builder
	table.WriteString("| metric | type | labels | what it is |\n|---|---|---|---|\n")
	m := busy(t)
	documented := map[string]bool{}
	for _, f := range m.Families() {
		documented[f.Name] = true
		labels := strings.Join(f.Labels, "`, `")
		if labels != "" {
			labels = "`" + labels + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, labels, f.Help)
	}

	gathered, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	exposed := map[string]bool{}
	for _, family := range gathered {
		if exposed[family.GetName()] = true; strings.HasPrefix(family.GetName(), namespace) && !documented[family.GetName()] {
			t.Errorf("%s is exposed and not described", family.GetName())
		}
	}
	for name := range documented {
		if !exposed[name] {
			t.Errorf("%s is described and not exposed", name)
		}
	}

	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + begin + "\n" + table.String() + "\n" + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(data) {
		t.Errorf("the table in %s is not that of this release: go test ./internal/metrics -update", page)
	}
}

// The lag of a commit is counted from the first change that it holds.
func TestCommitLagBeginsWithTheFirstChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New("", time.Now)
		d := &desk{}
		w := m.Writer(d)
		_ = w.Put(manifest.Result{})
		time.Sleep(4 * time.Second)
		_ = w.Put(manifest.Result{})
		time.Sleep(3 * time.Second)
		wants(t, m, map[string]string{"changes_waiting": "2", "changes_waiting_seconds": "7", "commits_total": "0"})

		d.commit = func() (repository.Outcome, error) {
			time.Sleep(time.Second)
			return repository.Outcome{}, &repository.GuardError{Err: errors.New("too many are gone")}
		}
		_, _ = w.Commit(t.Context(), time.Now(), appbur.Coverage{})
		d.commit = func() (repository.Outcome, error) {
			return repository.Outcome{}, fmt.Errorf("writing: %w", syscall.ENOSPC)
		}
		_, _ = w.Commit(t.Context(), time.Now(), appbur.Coverage{})
		wants(t, m, map[string]string{
			"changes_waiting": "2", "changes_waiting_seconds": "8",
			`failures_total{operation="commit",reason="guard"}`:     "1",
			`failures_total{operation="commit",reason="disk_full"}`: "1",
			"commit_duration_seconds_sum":                           "1",
		})

		d.commit = nil
		_, _ = w.Commit(t.Context(), time.Now(), appbur.Coverage{})
		wants(t, m, map[string]string{
			"changes_waiting": "0", "changes_waiting_seconds": "0", "commits_total": "1", "commit_lag_seconds_sum": "8",
			"commit_lag_seconds_count": "1",
		})
	})
}

// Durations are native histograms.
func TestDurationsAreNativeHistograms(t *testing.T) {
	gathered, err := busy(t).Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	native := 0
	for _, family := range gathered {
		if h := family.GetMetric()[0].GetHistogram(); h != nil && strings.HasPrefix(family.GetName(), namespace) {
			if native++; h.Schema == nil || h.GetZeroThreshold() == 0 {
				t.Errorf("%s is no native histogram", family.GetName())
			}
		}
	}
	if native != 3 {
		t.Errorf("%d histograms", native)
	}
}

// A partial point is newer and not good, and a remote holds a point when a push that came after it reached it.
func TestTheLastGoodPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New("", time.Now)
		s := &shelf{remotes: []repository.Remote{{Name: "disk"}, {Name: "forge"}}}
		if _, known := scrape(t, m)["last_good_point_timestamp_seconds"]; known {
			t.Error("something is said of points that nobody has read")
		}
		look(t, m, s)
		wants(t, m, map[string]string{
			"last_good_point_timestamp_seconds": "0", "last_point_complete": "0", "last_good_point_replicated": "0", "remotes_required": "2",
			`push_last_success_timestamp_seconds{remote="forge"}`: "0",
		})

		time.Sleep(time.Hour)
		good := time.Now()
		s.add(appbur.RestorePoint{ID: "1", Started: good, Objects: 7, Apps: []appbur.AppState{
			{AppKey: appbur.AppKey{Name: "fleet"}}, {AppKey: appbur.AppKey{Name: "orders"}},
		}})
		look(t, m, s)
		wants(t, m, map[string]string{
			"last_good_point_timestamp_seconds": fmt.Sprint(float64(good.Unix())), "last_point_complete": "1", "last_good_point_objects": "7",
			"last_good_point_applications": "2", "last_good_point_replicated": "0", "last_good_point_remotes": "0",
			"last_good_point_confirmed_timestamp_seconds": fmt.Sprint(float64(good.Unix())),
		})
		m.Confirm("another", good.Add(2*time.Hour))
		wants(t, m, map[string]string{"last_good_point_confirmed_timestamp_seconds": fmt.Sprint(float64(good.Unix()))})
		m.Confirm("1", good.Add(time.Hour))
		wants(t, m, map[string]string{
			"last_good_point_timestamp_seconds":           fmt.Sprint(float64(good.Unix())),
			"last_good_point_confirmed_timestamp_seconds": fmt.Sprint(float64(good.Add(time.Hour).Unix())),
		})

		down := true
		push := m.Pushes(func(context.Context) (*repository.Replication, error) {
			time.Sleep(time.Minute)
			if down {
				return failing(s, "forge"), nil
			}
			return &repository.Replication{Remotes: []repository.PushResult{{Remote: "disk"}, {Remote: "forge"}}}, nil
		}, s.Points)
		since := time.Now().Add(time.Minute)
		for range 2 {
			if _, err := push(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		look(t, m, s)
		wants(t, m, map[string]string{
			"last_good_point_replicated": "0", "last_good_point_remotes": "1",
			`push_failing_since_timestamp_seconds{remote="forge"}`:  fmt.Sprint(float64(since.Unix())),
			`push_failing_since_timestamp_seconds{remote="disk"}`:   "0",
			`failures_total{operation="push",reason="not_found"}`:   "2",
			`failures_total{operation="push",reason="unreachable"}`: "0",
		})

		down = false
		_, _ = push(t.Context())
		s.add(appbur.RestorePoint{ID: "2", Started: time.Now(), Partial: true, Missing: make([]appbur.MissingApp, 1)})
		look(t, m, s)
		wants(t, m, map[string]string{
			"last_good_point_timestamp_seconds": fmt.Sprint(float64(good.Unix())), "last_good_point_replicated": "1", "last_good_point_remotes": "2",
			"last_point_complete": "0", "last_point_missing_applications": "1",
			`push_failing_since_timestamp_seconds{remote="forge"}`: "0",
			`restore_points{state="complete"}`:                     "1", `restore_points{state="partial"}`: "1",
		})

		// A point that came while the last push ran is nowhere yet; one that another process has pushed is.
		s.add(appbur.RestorePoint{ID: "3", Started: time.Now()})
		look(t, m, s)
		wants(t, m, map[string]string{"last_good_point_remotes": "0"})
		time.Sleep(time.Minute)
		s.pushes = map[string]time.Time{"disk": time.Now()}
		look(t, m, s)
		wants(t, m, map[string]string{"last_good_point_remotes": "1"})
	})
}

// Each application says when its state was saved, also where a point took it over, and where it lacks it.
func TestWhenEachApplicationWasSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := New("1.2.3", time.Now), &shelf{}
		fleet, orders := appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}, appbur.AppKey{Namespace: "shop", Name: "orders"}
		began := time.Now()
		both := appbur.RestorePoint{ID: "1", Created: began, Apps: []appbur.AppState{{AppKey: fleet}, {AppKey: orders}}}
		s.add(both)
		s.add(appbur.RestorePoint{
			ID: "2", Created: began.Add(time.Hour), Partial: true, Missing: []appbur.MissingApp{{AppKey: orders, Point: "1"}},
			Apps: []appbur.AppState{{AppKey: fleet, From: &appbur.AppOrigin{Point: "1", Created: began}}},
		})
		look(t, m, s)
		saved := fmt.Sprint(float64(began.Unix()))
		wants(t, m, map[string]string{
			`application_saved_timestamp_seconds{application="fleet-system/fleet"}`: saved,
			`application_saved_timestamp_seconds{application="shop/orders"}`:        saved,
			`application_missing{application="fleet-system/fleet"}`:                 "0",
			`application_missing{application="shop/orders"}`:                        "1",
		})
	})
}

// A point that has to be pushed is the last good one only when as many remotes as required hold it; those that wait for
// that are counted.
func TestAPointThatHasToBePushedCountsWhenItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New("", time.Now)
		m.CountWhenReplicated(func(point *appbur.RestorePoint) bool { return point.ID != "1" })
		s := &shelf{remotes: []repository.Remote{{Name: "disk"}, {Name: "forge"}}}
		first := time.Now()
		s.add(appbur.RestorePoint{ID: "1", Started: first})
		time.Sleep(time.Hour)
		second := time.Now()
		s.add(appbur.RestorePoint{ID: "2", Started: second})
		down := true
		push := m.Pushes(func(context.Context) (*repository.Replication, error) {
			if down {
				return failing(s, "forge"), nil
			}
			return &repository.Replication{Remotes: []repository.PushResult{{Remote: "disk"}, {Remote: "forge"}}}, nil
		}, s.Points)

		for _, want := range []struct {
			good    time.Time
			waiting string
		}{{first, "1"}, {second, "0"}} {
			if _, err := push(t.Context()); err != nil {
				t.Fatal(err)
			}
			look(t, m, s)
			wants(t, m, map[string]string{
				"last_good_point_timestamp_seconds": fmt.Sprint(float64(want.good.Unix())),
				"restore_points_not_durable":        want.waiting, "last_point_timestamp_seconds": fmt.Sprint(float64(second.Unix())),
			})
			down = false
		}
	})
}

// failing is a push that all remotes took but one, which is not there.
func failing(s *shelf, name string) *repository.Replication {
	done := &repository.Replication{}
	for _, r := range s.remotes {
		done.Remotes = append(done.Remotes, repository.PushResult{Remote: r.Name})
		if r.Name == name {
			done.Remotes[len(done.Remotes)-1] = repository.PushResult{Remote: name, State: gitsync.RemoteNotFound, Error: "gone"}
		}
	}
	return done
}

// Definitions without end are one sample beyond a thousand, and what cannot be read is named before all else.
func TestKindsAreBounded(t *testing.T) {
	m := New("", time.Now)
	h := measuredHandler{ignoring{}, m}
	for i := range 2 * mostKinds {
		_ = h.Synced(exporter.Type{}, appbur.TypeCoverage{Group: "x.example", Kind: fmt.Sprintf("Kind%04d", i), Complete: true, Excluded: 1}, nil)
	}
	_ = h.Failed(appbur.TypeCoverage{Group: "x.example", Kind: "Kind1999", Reason: "the account may not read this: no"})
	_ = h.Holes([]appbur.GroupFailure{{GroupVersion: "y.example/v1"}, {GroupVersion: "metrics.k8s.io/v1", Virtual: true}})
	wants(t, m, map[string]string{
		"kinds": "2000", `objects_excluded{group="",kind="(others)"}`: "1000",
		`kind_unreadable{group="x.example",kind="Kind1999",reason="forbidden"}`: "1", "api_groups_unreadable": "1",
		`failures_total{operation="read",reason="forbidden"}`: "1",
	})
	if n := len(scrape(t, m)); n > 2200 {
		t.Errorf("%d samples", n)
	}
	_ = h.Synced(exporter.Type{}, appbur.TypeCoverage{Group: "x.example", Kind: "Kind1999", Complete: true}, nil)
	if _, still := scrape(t, m)[`kind_unreadable{group="x.example",kind="Kind1999",reason="forbidden"}`]; still {
		t.Error("what can be read again is still unreadable")
	}
}

// A repository that cannot be read is told once, and what was known stays.
func TestWhatWasKnownStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New("", time.Now)
		s := &shelf{}
		s.add(appbur.RestorePoint{ID: "1", Started: time.Now(), Objects: 7})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { m.Follow(ctx, s, func() ([]byte, error) { return nil, nil }, quiet()); close(done) }()
		time.Sleep(lookEvery)
		synctest.Wait()
		s.broken.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		wants(t, m, map[string]string{
			"last_good_point_objects": "7", `failures_total{operation="measure",reason="other"}`: "1", "repository_size_bytes": "4096",
		})
		cancel()
		<-done
	})
}

var _ daemon.Writer = (*desk)(nil)
