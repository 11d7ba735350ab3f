//go:build integration

package crash_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// place is one repository under test, with what lies beside it.
type place struct{ dir string }

func (p place) repo() string   { return filepath.Join(p.dir, "repo.git") }
func (p place) keys() string   { return filepath.Join(p.dir, "keys") }
func (p place) remote() string { return filepath.Join(p.dir, "remote.git") }
func (p place) anchor() string { return filepath.Join(p.dir, "anchor") }

// worker is what a child works with.
type worker struct {
	place
	random *mathrand.Rand
	repo   *repository.Repository
	keys   *keyring.Keys
}

// open is what every run of appbur begins with.
func (w *worker) open() (err error) {
	if w.repo, err = repository.Open(w.place.repo()); err != nil {
		return err
	}
	w.keys, err = keyring.Load(w.place.keys())
	return err
}

// step is one operation under test. What it returns is acknowledged: from then on it
// must be there, whatever happens.
type step struct {
	name string
	// weight is how often it is chosen, compared with the others.
	weight int
	run    func(context.Context, *worker) (acknowledged string, err error)
}

var steps = []step{
	{"commit", 5, stepCommit},
	{"point", 4, stepPoint},
	{"anchor", 1, stepAnchor},
	{"rotate", 1, stepRotate},
	{"maintain", 3, stepMaintain},
	{"push", 3, stepPush},
	{"delete", 2, stepDelete},
}

func chooseStep(random *mathrand.Rand) step {
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	n := random.IntN(total)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	return steps[0]
}

var cluster = appbur.Cluster{ID: "crash", Version: appbur.KubeVersion{Major: 1, Minor: 37}}

// put brings some objects up to new values: most stay as they are, as in a cluster.
func (w *worker) put(writer *repository.Writer, rules *manifest.Rules, changes int) error {
	for range changes {
		kind, field := "ConfigMap", "data"
		if w.random.IntN(4) == 0 {
			kind, field = "Secret", "stringData"
		}
		result, err := rules.Make(map[string]any{
			"apiVersion": "v1", "kind": kind,
			"metadata": map[string]any{"name": fmt.Sprintf("object-%d", w.random.IntN(30)), "namespace": fmt.Sprintf("team-%d", w.random.IntN(3))},
			field:      map[string]any{"value": fmt.Sprint(w.random.Uint64()), "text": strings.Repeat("words ", w.random.IntN(400))},
		})
		if err != nil {
			return err
		}
		if err := writer.Put(result); err != nil {
			return err
		}
	}
	return nil
}

// commit makes one commit of some changes.
func (w *worker) commit(ctx context.Context) (repository.Outcome, *repository.Writer, error) {
	rules, err := w.repo.ManifestRules()
	if err != nil {
		return repository.Outcome{}, nil, err
	}
	writer, err := w.repo.Begin(cluster, rules.Version(), w.keys, repository.Guards{}, rand.Reader, time.Now)
	if err != nil {
		return repository.Outcome{}, nil, err
	}
	if err := w.put(writer, rules, 1+w.random.IntN(8)); err != nil {
		return repository.Outcome{}, nil, err
	}
	outcome, err := writer.Commit(ctx, time.Now(), appbur.Coverage{})
	return outcome, writer, errors.Join(err, outcome.Unseen)
}

func stepCommit(ctx context.Context, w *worker) (string, error) {
	outcome, _, err := w.commit(ctx)
	return outcome.Commit.String(), err
}

func stepPoint(ctx context.Context, w *worker) (string, error) {
	outcome, writer, err := w.commit(ctx)
	if err != nil {
		return "", err
	}
	points, err := w.repo.BeginPoint(w.keys, rand.Reader, time.Now)
	if err != nil {
		return "", err
	}
	app := appbur.AppState{AppKey: appbur.AppKey{Namespace: "team-0", Name: "app"}, App: "example", Version: "1"}

	for _, sensitive := range []bool{false, true} {
		var rows strings.Builder
		for n := range 100 {
			fmt.Fprintf(&rows, "{\"id\":%d,\"value\":\"%x\"}\n", n, w.random.Uint64())
		}
		d := appbur.Dataset{
			Name: fmt.Sprintf("rows-%v", sensitive), Schema: "1.0", MediaType: "application/x-ndjson", Rows: 100,
			Size: int64(rows.Len()), Digest: appbur.DigestOf([]byte(rows.String())), Sensitive: sensitive,
		}
		out, err := points.Dataset(app.AppKey, d)
		if err != nil {
			return "", err
		}
		_, err = io.WriteString(out, rows.String())
		if err := errors.Join(err, out.Close()); err != nil {
			return "", err
		}
		app.Datasets = append(app.Datasets, d)
	}

	if err := points.Application(app); err != nil {
		return "", err
	}
	point, err := points.Save(ctx, outcome.Commit, repository.PointContent{
		Created: time.Now(), Cluster: cluster, Rules: "1", Objects: outcome.Objects,
		Evidence: appbur.Evidence{Format: appbur.EvidenceFormat}, Overrides: writer.Overrides(),
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s", point.ID, app.Datasets[1].Digest), nil
}

func stepAnchor(_ context.Context, w *worker) (string, error) {
	a, _, err := w.repo.WriteAnchor(w.anchor(), w.keys, time.Now())
	return a.Main.String(), err
}

// stepRotate changes keys: the fingerprint key and so every sealed file, or the one
// that signs.
func stepRotate(ctx context.Context, w *worker) (string, error) {
	var change repository.Rotation
	var opener *seal.Opener
	if w.random.IntN(2) == 0 {
		change.Signing = true
	} else {
		change.Fingerprint = true
		var err error
		if opener, err = keyring.LoadOpener(w.place.keys(), ""); err != nil {
			return "", err
		}
	}
	done, err := w.repo.Rotate(ctx, w.keys, opener, change, rand.Reader, time.Now)
	return done.Commit.String(), err
}

// stepMaintain packs objects together, and drops those that nobody needs.
func stepMaintain(ctx context.Context, w *worker) (string, error) {
	git, err := gitsync.Open(w.place.repo())
	if err != nil {
		return "", err
	}
	o := gitsync.MaintainOptions{Full: w.random.IntN(2) == 0}
	if w.random.IntN(2) == 0 {
		o.PruneBefore = time.Now()
	}
	_, err = git.Maintain(ctx, o)
	return "", err
}

// stepPush brings another repository up to date. What it acknowledges, that one has.
func stepPush(ctx context.Context, w *worker) (string, error) {
	git, err := gitsync.Open(w.place.repo())
	if err != nil {
		return "", err
	}
	url, err := gitsync.ParseRemoteURL(w.remote())
	if err != nil {
		return "", err
	}
	pushed, err := git.Push(ctx, gitsync.Remote{Name: "copy", URL: url},
		gitsync.PushWhat{Branch: gitsync.MainRef, TagPrefix: appbur.RestorePointTagPrefix}, gitsync.RemoteOptions{})
	return pushed.Tip.String(), err
}

// stepDelete lets go of all points but the newest three.
func stepDelete(ctx context.Context, w *worker) (string, error) {
	refs, err := w.repo.Points()
	if err != nil || len(refs) <= 3 {
		return "", err
	}
	var ids []appbur.RestorePointID
	for _, ref := range refs[3:] {
		ids = append(ids, ref.ID)
	}
	trusted, err := keyring.TrustRoot(w.keys.Dir, "")
	if err != nil {
		return "", err
	}
	return "", w.repo.DeletePoints(ctx, ids, trusted, false)
}

// work is the life of a child: it opens the repository and does one step after the
// other until it is killed.
func work(p place, seed uint64) error {
	w := &worker{place: p, random: mathrand.New(mathrand.NewPCG(seed, 0))}
	if err := w.open(); err != nil {
		return err
	}
	for {
		s := chooseStep(w.random)
		fmt.Fprintln(os.Stdout, "begin", s.name)
		acknowledged, err := s.run(context.Background(), w)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintln(os.Stdout, "done", s.name, acknowledged)
	}
}
