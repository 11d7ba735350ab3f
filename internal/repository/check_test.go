package repository

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

func (f *fixture) check(o CheckOptions) *CheckReport {
	f.Helper()
	if o.KeysDir == "" {
		o.KeysDir = f.keysDir
	}
	if o.Signers == nil {
		o.Signers = f.trusted()
	}
	report, err := Check(f.Context(), f.repo.Dir(), o)
	if err != nil {
		f.Fatal(err)
	}
	return &report
}

func (r *CheckReport) has(kind string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == kind && f.Hint != "" })
}

// fullPoint is a point with one payload in clear and one that is encrypted.
func (f *fixture) fullPoint() PointRef {
	f.Helper()
	outcome := f.backup()

	rows := []byte("{\"id\":1}\n{\"id\":2}\n")
	dataset := func(name string, sensitive bool) appbur.Dataset {
		return appbur.Dataset{
			Name: name, Schema: "1.0", MediaType: "application/x-ndjson", Rows: 2, Size: int64(len(rows)),
			Digest: appbur.DigestOf(rows), Sensitive: sensitive,
		}
	}

	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}

	app := appbur.AppState{
		AppKey: appbur.AppKey{Namespace: "team", Name: "app"}, App: "example", Version: "1",
		Datasets: []appbur.Dataset{dataset("closed", true), dataset("open", false)},
	}
	for _, d := range app.Datasets {
		out, err := writer.Dataset(app.AppKey, d)
		if err != nil {
			f.Fatal(err)
		}
		_, err = out.Write(rows)
		if err := errors.Join(err, out.Close()); err != nil {
			f.Fatal(err)
		}
	}

	if err := writer.Application(app); err != nil {
		f.Fatal(err)
	}
	point, err := writer.Save(f.Context(), outcome.Commit, PointContent{
		Created: f.now(), Cluster: fixtureCluster, Rules: "1", Objects: outcome.Objects, Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	})
	if err != nil {
		f.Fatal(err)
	}
	ref, err := f.repo.Resolve(string(point.ID))
	if err != nil {
		f.Fatal(err)
	}
	return ref
}

// pieceOf is the path of the first piece of a dataset.
func pieceOf(p *appbur.RestorePoint, dataset string) string {
	for _, d := range p.Apps[0].Datasets {
		if d.Name == dataset {
			return AppDir(p.Apps[0].AppKey) + "/" + dataset + "/" + d.Pieces[0]
		}
	}
	return ""
}

// datasetOf is the description of a dataset.
func datasetOf(p *appbur.RestorePoint, name string) *appbur.Dataset {
	for i := range p.Apps[0].Datasets {
		if p.Apps[0].Datasets[i].Name == name {
			return &p.Apps[0].Datasets[i]
		}
	}
	return nil
}

// remake writes a point anew with changed files, with good signatures: what our own
// writer would have written had it a fault. The description can be changed once more
// as text.
func (f *fixture) remake(ref PointRef, change func(*gitsync.Edit, *appbur.RestorePoint), rewrite ...func(string) string) {
	f.Helper()
	commit, err := f.repo.git.ReadCommit(ref.Commit)
	if err != nil {
		f.Fatal(err)
	}
	point, err := f.repo.Describe(ref)
	if err != nil {
		f.Fatal(err)
	}
	edit, err := f.repo.git.Edit(ref.Commit)
	if err != nil {
		f.Fatal(err)
	}
	change(edit, &point)

	f.git("update-ref", "-d", "refs/tags/"+ref.ID.Tag())
	data, err := json.Marshal(point)
	if err != nil {
		f.Fatal(err)
	}
	for _, fn := range rewrite {
		data = []byte(fn(string(data)))
	}

	f.put(edit, appbur.RestorePointFile, data)
	_, _, err = f.repo.git.CommitAndTag(f.Context(), ref.ID.Tag(), edit, commit.Parents[0],
		gitsync.CommitInfo{Author: identity, Committer: identity, Time: f.now(), Subject: "x", Signer: f.keys.Signer()},
		gitsync.TagInfo{Tagger: identity, Time: f.now(), Message: "x", Signer: f.keys.Signer()})
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) put(e *gitsync.Edit, path string, data []byte) {
	f.Helper()
	if _, err := e.Put(path, data); err != nil {
		f.Fatal(err)
	}
}

func TestCheckIsContentWithWhatAppburWrites(t *testing.T) {
	f := newFixture(t)
	f.fullPoint()
	f.time = f.time.Add(time.Hour)
	f.change("1")
	f.mustRotate(f.opener(), Rotation{Identity: true, Signing: true})
	f.time = f.time.Add(time.Hour)
	f.reopen()
	f.fullPoint()
	for name, o := range map[string]CheckOptions{"from outside": {}, "with the identity": {Opener: f.opener()}, "quick": {Quick: true}} {
		report := f.check(o)
		if !report.OK() || report.Objects == 0 {
			t.Errorf("%s: %+v", name, report)
		}
		if !o.Quick && (report.Points != 2 || report.Datasets != 4 || report.Signed != report.Commits || report.Commits != 4) {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

func TestCheckFindsWhatGitCannot(t *testing.T) {
	for _, test := range []struct {
		name   string
		opener bool
		change func(*fixture, *gitsync.Edit, *appbur.RestorePoint)
		want   string
		where  string
	}{
		{"a payload changed", false, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) {
			f.put(e, pieceOf(p, "open"), []byte("{\"id\":1}\n{\"id\":3}\n"))
		}, findPayload, "apps/team/app/open"},
		{"two pieces swapped", false, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) {
			f.put(e, pieceOf(p, "open"), []byte("{\"id\":2}\n"))
			f.put(e, "apps/team/app/open/000001.ndjson", []byte("{\"id\":1}\n"))
			datasetOf(p, "open").Pieces = append(datasetOf(p, "open").Pieces, "000001.ndjson")
		}, findPayload, "apps/team/app/open"},
		{
			"a piece is missing", false, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) { f.remove(e, pieceOf(p, "open")) }, findPayload,
			"apps/team/app/open",
		},
		{
			"a size is wrong", false, func(_ *fixture, _ *gitsync.Edit, p *appbur.RestorePoint) { datasetOf(p, "open").Size++ }, findPayload,
			"apps/team/app/open",
		},
		{"a piece that nobody names", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) {
			f.put(e, "apps/team/app/open/9", []byte("x"))
		}, findPayload, "apps/team/app/open/9"},
		{"a sensitive piece in clear", false, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) {
			f.put(e, pieceOf(p, "closed"), []byte("{\"id\":1}\n{\"id\":2}\n"))
		}, findPayload, "apps/team/app/closed"},
		{"a sensitive piece cut off", false, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) {
			data, err := e.ReadFile(pieceOf(p, "closed"))
			if err != nil {
				f.Fatal(err)
			}
			f.put(e, pieceOf(p, "closed"), data[:len(data)-20])
		}, findPayload, "apps/team/app/closed"},
		{"a sensitive piece changed", true, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) {
			data, err := e.ReadFile(pieceOf(p, "closed"))
			if err != nil {
				f.Fatal(err)
			}
			data[len(data)-1] ^= 1
			f.put(e, pieceOf(p, "closed"), data)
		}, findPayload, "apps/team/app/closed"},
		{"a sensitive piece for nobody of ours", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) {
			config, err := e.ReadFile(appbur.RepositoryFile)
			if err != nil {
				f.Fatal(err)
			}
			keys, _ := newKeys(f)
			f.put(e, appbur.RepositoryFile, []byte(strings.Replace(string(config), "recipients:\n", "recipients:\n  - "+keys.Recipient+"\n", 1)))
		}, findPayload, "apps/team/app/closed"},
		{"a manifest that does not parse", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) {
			f.put(e, "namespaces/team/configmap/settings.yaml", []byte("a: ["))
		}, findManifest, "namespaces/team/configmap/settings.yaml"},
		{"a Secret whose ciphertext was changed", true, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) {
			data, err := e.ReadFile("namespaces/team/secret/db.yaml")
			if err != nil {
				f.Fatal(err)
			}
			const begin = "ENC[AES256_GCM,data:"
			data[bytes.Index(data, []byte(begin))+len(begin)] ^= 1
			f.put(e, "namespaces/team/secret/db.yaml", data)
		}, findManifest, "namespaces/team/secret/db.yaml"},
		{"a manifest at another's path", false, func(f *fixture, e *gitsync.Edit, p *appbur.RestorePoint) {
			f.put(e, "namespaces/team/configmap/other.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: else\n  namespace: team\n"))
			p.Objects++
		}, findManifest, "namespaces/team/configmap/other.yaml"},
		{"a manifest too many", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) {
			f.put(e, "namespaces/team/configmap/other.yaml",
				[]byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n  namespace: team\n"))
		}, findPoint, appbur.RestorePointFile},
		{
			"no coverage", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) { f.remove(e, appbur.CoverageFile) }, findPoint,
			appbur.CoverageFile,
		},
		{
			"coverage that does not parse", false,
			func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) { f.put(e, appbur.CoverageFile, []byte("{")) }, findPoint,
			appbur.CoverageFile,
		},
		{"holes that nobody mentions", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) {
			f.put(e, appbur.CoverageFile, []byte(`{"types":[{"kind":"Secret","complete":false}]}`))
		}, findPoint, appbur.CoverageFile},
		{
			"an index that does not parse", false, func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) { f.put(e, "index/x", []byte("{")) },
			findPoint, "index",
		},
		{
			"evidence that does not parse", false,
			func(f *fixture, e *gitsync.Edit, _ *appbur.RestorePoint) { f.put(e, appbur.EvidenceFile, []byte("{")) }, findPoint,
			appbur.EvidenceFile,
		},
		{
			"another id", false, func(_ *fixture, _ *gitsync.Edit, p *appbur.RestorePoint) { p.ID = "20200101T000000Z" }, findPoint,
			appbur.RestorePointFile,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.fullPoint()
			f.remake(ref, func(e *gitsync.Edit, p *appbur.RestorePoint) { test.change(f, e, p) })
			var o CheckOptions
			if test.opener {
				o.Opener = f.opener()
			}
			report := f.check(o)
			found := slices.ContainsFunc(report.Findings, func(x Finding) bool {
				return x.Kind == test.want && x.Where == test.where && x.Hint != "" && len(x.Affects) == 1 && x.Affects[0].Point == ref.ID
			})
			if !found || report.has(findSignature) {
				t.Errorf("want %s at %s: %+v", test.want, test.where, report.Findings)
			}
		})
	}
}

func (f *fixture) remove(e *gitsync.Edit, path string) {
	f.Helper()
	if there, err := e.Remove(path); err != nil || !there {
		f.Fatalf("%s: %v %v", path, there, err)
	}
}

// Damage is reported once, by the object, with the files that it hits, and the rest
// is looked at all the same.
func TestCheckSaysWhatDamageAffects(t *testing.T) {
	f := newFixture(t)
	ref := f.fullPoint()
	point, err := f.repo.Describe(ref)
	if err != nil {
		t.Fatal(err)
	}
	path := pieceOf(&point, "open")
	id := strings.TrimSpace(f.git("rev-parse", ref.ID.Tag()+":"+path))

	f.git("repack", "-adq")
	packs, err := filepath.Glob(filepath.Join(f.repo.Dir(), "objects/pack/*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatal(packs, err)
	}
	data, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}

	// Everything but one object comes back as a file of its own.
	if err := os.Rename(packs[0], filepath.Join(t.TempDir(), "pack")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(strings.TrimSuffix(packs[0], "pack") + "idx"); err != nil {
		t.Fatal(err)
	}
	unpack := exec.Command("git", "-C", f.repo.Dir(), "unpack-objects", "-q")
	unpack.Stdin = bytes.NewReader(data)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	if err := os.Remove(filepath.Join(f.repo.Dir(), "objects", id[:2], id[2:])); err != nil {
		t.Fatal(err)
	}
	report := f.check(CheckOptions{Opener: f.opener()})
	if len(report.Findings) != 1 || report.Signed == 0 || report.Datasets != 2 {
		t.Fatalf("%+v", report)
	}
	finding := report.Findings[0]
	if finding.Kind != string(gitsync.ProblemMissing) || finding.Object.String() != id || len(finding.Affects) != 1 ||
		finding.Affects[0].Point != ref.ID || finding.Affects[0].Path != path {
		t.Errorf("%+v", finding)
	}
}

// A repository that cannot even be opened is still looked at.
func TestCheckOfWhatCannotBeOpened(t *testing.T) {
	f := newFixture(t)
	f.point()
	if err := os.WriteFile(filepath.Join(f.repo.Dir(), "refs/heads/main"), []byte(strings.Repeat("1", 40)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	report := f.check(CheckOptions{})
	if !report.has(string(gitsync.ProblemRef)) || !report.has(findConfig) {
		t.Errorf("%+v", report.Findings)
	}
}

// Damage, distrust and what is unsigned are three things; the gravest decides.
func TestCheckTellsThreeThingsApart(t *testing.T) {
	unsigned := func(f *fixture) { f.foreign(func(c string) string { return c + "# a remark\n" }) }
	stranger := func(f *fixture) {
		keys, _ := newKeys(f)
		dir := f.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "key"), keys.SigningKey, 0o600); err != nil {
			f.Fatal(err)
		}
		f.git("-c", "user.name=eve", "-c", "user.email=eve@example.com", "-c", "gpg.format=ssh", "-c",
			"user.signingKey="+filepath.Join(dir, "key"),
			"tag", "-s", "-m", "mine", "restore-points/20270101T000000Z", "main")
	}

	tag := func(f *fixture) { f.git("tag", "restore-points/20270102T000000Z", "main") }
	damage := func(f *fixture) {
		if err := os.WriteFile(filepath.Join(f.repo.Dir(), "refs/heads/other"), []byte(strings.Repeat("1", 40)+"\n"), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		change []func(*fixture)
		want   FindingClass
	}{
		{"nothing", nil, ""},
		{"a commit that somebody made in a clone", []func(*fixture){unsigned}, Unsigned},
		{"a tag of somebody, which leads to no point", []func(*fixture){tag}, Unsigned},
		{"a tag with the signature of a stranger", []func(*fixture){stranger}, Untrusted},
		{"a ref that leads nowhere", []func(*fixture){damage}, Damaged},
		{"a stranger and somebody without a signature", []func(*fixture){stranger, tag, unsigned}, Untrusted},
		{"all of it", []func(*fixture){unsigned, stranger, damage}, Damaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.fullPoint()
			for _, change := range test.change {
				change(f)
			}
			report := f.check(CheckOptions{})
			if report.Worst() != test.want || report.OK() != (test.want == "") {
				t.Errorf("worst is %q, want %q: %+v", report.Worst(), test.want, report.Findings)
			}
			for _, finding := range report.Findings {
				if finding.Hint == "" || finding.Class == "" {
					t.Errorf("%+v", finding)
				}
			}
		})
	}
}
