package metrics

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

var goVersion = regexp.MustCompile(`goversion="[^"]*"`)

// What a daemon exposes in some states is kept in testdata, for Prometheus' own query engine to judge the alerts and the
// dashboard of deploy/metrics by it.
func TestExpositionInEachState(t *testing.T) {
	fleet := appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}
	good := func(t *testing.T, m *Metrics, s *shelf) {
		pointAndPush(t, m, s, appbur.RestorePoint{Objects: 7, Apps: []appbur.AppState{{AppKey: fleet}}}, true)
	}

	for name, reach := range map[string]func(*testing.T, *Metrics, *shelf){
		"good":    good,
		"nothing": func(t *testing.T, m *Metrics, s *shelf) { look(t, m, s) },
		"old": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			time.Sleep(72 * time.Hour)
		},
		"partial": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			time.Sleep(time.Hour)
			pointAndPush(t, m, s, appbur.RestorePoint{Partial: true, Missing: []appbur.MissingApp{{AppKey: fleet}}}, true)
		},
		"unpushed": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			time.Sleep(time.Hour)
			pointAndPush(t, m, s, appbur.RestorePoint{Objects: 8}, false)
		},
		"leaderless": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			m.SetLeader(false)
		},
		"unaudited": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			last := time.Now()
			time.Sleep(time.Hour)
			m.SetAudit(func() (audit.Taken, audit.Counts, bool) {
				return audit.Taken{Events: 100, Facts: 10, Last: last}, audit.Counts{Asked: 20, AtOnce: 9, Late: 1}, true
			})
		},
		"drilled": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			m.SetDrills([]Drill{{Began: time.Now().Add(-30 * 24 * time.Hour), Passed: true, RecoverySeconds: 83}})
		},
		"undrilled": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			m.SetDrills(nil)
		},
		"drillfailed": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			m.SetDrills([]Drill{
				{Began: time.Now().Add(-time.Hour), RecoverySeconds: 83}, {Began: time.Now().Add(-24 * time.Hour), Passed: true},
			})
		},
		"waiting": func(_ *testing.T, m *Metrics, _ *shelf) {
			m.FetchFailed(gitsync.RemoteUnreachable)
			m.SetWorkingCopy(false)
		},
		"stuck": func(t *testing.T, m *Metrics, s *shelf) {
			good(t, m, s)
			_ = m.Writer(&desk{}).Put(manifest.Result{})
			time.Sleep(20 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := New("1.2.3", time.Now)
				h := measuredHandler{ignoring{}, m}
				_ = h.Synced(exporter.Type{}, appbur.TypeCoverage{Kind: "Secret", Complete: true, Excluded: 1}, nil)
				_ = h.Failed(appbur.TypeCoverage{Group: "apps", Kind: "Deployment", Reason: "the server failed: 500"})

				w := m.Writer(&desk{})
				_ = w.Put(manifest.Result{})
				time.Sleep(2 * time.Second)
				if _, err := w.Commit(t.Context(), time.Now(), appbur.Coverage{}); err != nil {
					t.Fatal(err)
				}
				reach(t, m, &shelf{remotes: []repository.Remote{{Name: "forge"}}})
				compareExposition(t, m, filepath.Join("testdata", name+".prom"))
			})
		})
	}
}

// pointAndPush makes a point, and a push that reaches the remote or not.
func pointAndPush(t *testing.T, m *Metrics, s *shelf, p appbur.RestorePoint, reached bool) {
	t.Helper()
	p.Started = time.Now()
	p.ID = appbur.NewRestorePointID(p.Started, 0)
	s.add(p)
	look(t, m, s)
	push := m.Pushes(func(context.Context) (*repository.Replication, error) {
		time.Sleep(time.Second)
		if !reached {
			return failing(s, "forge"), nil
		}
		return &repository.Replication{Remotes: []repository.PushResult{{Remote: "forge", Bytes: 4096}}}, nil
	}, s.Points)
	if _, err := push(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(t, m, s)
}

func compareExposition(t *testing.T, m *Metrics, path string) {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "# now %d\n", time.Now().Unix())
	for line := range strings.Lines(scrapeText(t, m)) {
		if strings.HasPrefix(line, namespace) {
			out.WriteString(goVersion.ReplaceAllString(line, `goversion="go1"`))
		}
	}

	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("%s is not what a daemon exposes: go test ./internal/metrics -update", path)
	}
}
