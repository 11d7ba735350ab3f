package repository

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

var secretDataset = appbur.Dataset{Name: "orders", Schema: "1.0", MediaType: appbur.MediaTypeRows, Key: []string{"id"}, Sensitive: true}

func (f *fixture) describe(ref PointRef) appbur.RestorePoint {
	f.Helper()
	point, err := f.repo.Describe(ref)
	if err != nil {
		f.Fatal(err)
	}
	return point
}

// newBytes are bytes that do not compress.
func newBytes(n int, seed uint64) []byte {
	random := mathrand.New(mathrand.NewPCG(seed, 1))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

// Whatever a dataset is, its payload comes back, byte for byte.
func TestPayloadsComeBack(t *testing.T) {
	table := newTable(5000).payload()
	for name, test := range map[string]struct {
		dataset appbur.Dataset
		payload []byte
		method  string
		suffix  string
	}{
		"rows":             {growthDataset, table, appbur.LayoutKey, ".ndjson"},
		"sealed rows":      {secretDataset, table, appbur.LayoutKey, ".ndjson.age"},
		"rows without key": {appbur.Dataset{Name: "log", Schema: "1.0", MediaType: appbur.MediaTypeRows}, table, appbur.LayoutRow, ".ndjson"},
		"opaque": {
			appbur.Dataset{Name: "blob", Schema: "1.0", MediaType: "application/octet-stream"},
			newBytes(3<<20, 1),
			appbur.LayoutContent, ".bin",
		},
		"sealed opaque": {
			appbur.Dataset{Name: "blob", Schema: "1.0", MediaType: "application/octet-stream", Sensitive: true},
			newBytes(1<<20, 1), appbur.LayoutContent, ".bin.age",
		},
		"equal pieces": {
			appbur.Dataset{Name: "zero", Schema: "1.0", MediaType: "application/octet-stream"},
			make([]byte, 5<<20),
			appbur.LayoutContent, ".bin",
		},
		"small": {growthDataset, []byte(`{"id":1}` + "\n"), appbur.LayoutKey, ".ndjson"},
		"empty": {growthDataset, nil, appbur.LayoutKey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.save(test.dataset, test.payload)
			if got := f.payload(ref, f.opener()); !bytes.Equal(got, test.payload) {
				t.Fatalf("%d bytes came back, %d were saved", len(got), len(test.payload))
			}
			d := f.describe(ref).Apps[0].Datasets[0]
			if d.Layout == nil || d.Layout.Method != test.method {
				t.Errorf("the layout is %+v", d.Layout)
			}
			if len(test.payload) > 2<<20 && len(d.Pieces) < 3 || len(test.payload) < 100 && len(d.Pieces) > 1 {
				t.Errorf("%d pieces", len(d.Pieces))
			}

			for _, piece := range d.Pieces {
				if !strings.HasSuffix(piece, test.suffix) {
					t.Errorf("a piece is called %s", piece)
				}
			}

			files := strings.Fields(f.git("ls-tree", "-r", "--name-only", ref.ID.Tag(),
				datasetDir(appbur.AppKey{Namespace: "shop", Name: "orders"}, d.Name)+"/"))
			if len(files) != len(d.Pieces) {
				t.Errorf("%d files for %d pieces", len(files), len(d.Pieces))
			}
			if name == "rows" && !slices.IsSorted(d.Pieces) {
				t.Errorf("the pieces are not in the order of their names: %v", d.Pieces)
			}
			f.git("fsck", "--strict")
		})
	}
}

// A checkout with other line ends does not change payloads.
func TestCheckoutKeepsPayloads(t *testing.T) {
	f := newFixture(t)
	payload := newTable(10).payload()
	ref := f.save(growthDataset, payload)
	tree := filepath.Join(t.TempDir(), "tree")
	f.git("-c", "core.autocrlf=true", "-c", "advice.detachedHead=false", "clone", "-q", "--branch", ref.ID.Tag(), f.repo.Dir(), tree)
	files, err := filepath.Glob(filepath.Join(tree, "apps/shop/orders/orders/*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if got, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("git changed the payload: %.80q, %v", got, err)
	}
	if manifest, err := os.ReadFile(filepath.Join(tree, appbur.RepositoryFile)); err != nil || !bytes.Contains(manifest, []byte("\r\n")) {
		t.Errorf("git converts nothing at all: the test shows nothing (%v)", err)
	}
}

// A sealed payload shows neither rows nor keys, and what did not change keeps its
// ciphertext: in another process, in a fresh clone, on a machine that cannot decrypt.
func TestSealedPayloadsAreStable(t *testing.T) {
	table := newTable(5000)
	f := newFixture(t)
	opener := f.opener()
	first := f.save(secretDataset, table.payload())

	for _, leak := range []string{`"customer"`, "customer-"} {
		if objects := f.git("cat-file", "--batch-all-objects", "--batch", "--buffer"); strings.Contains(objects, leak) {
			t.Errorf("%q lies in clear", leak)
		}
	}

	dir := t.TempDir()
	clone, keys := filepath.Join(dir, "clone.git"), filepath.Join(dir, "keys")
	f.git("clone", "--mirror", "--no-hardlinks", f.repo.Dir(), clone)
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{keyring.FingerprintFile, keyring.SigningFile} {
		data, err := os.ReadFile(filepath.Join(f.keysDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(keys, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	f.open(clone, keys)
	tree := func(ref PointRef) string { return f.git("rev-parse", ref.ID.Tag()+":apps/shop/orders/orders") }
	again := f.save(secretDataset, table.payload())
	if tree(first) != tree(again) {
		t.Error("an unchanged payload was sealed anew")
	}

	// A point without the application comes in between.
	f.time = f.time.Add(time.Hour)
	f.point()
	table.set(4999, mathrand.New(mathrand.NewPCG(9, 9)))
	changed := f.save(secretDataset, table.payload())
	before, after := f.describe(again).Apps[0].Datasets[0], f.describe(changed).Apps[0].Datasets[0]
	if len(before.Pieces) < 5 || !slices.Equal(before.Pieces, after.Pieces) {
		t.Fatalf("the pieces are %v, then %v", before.Pieces, after.Pieces)
	}

	if files := strings.Fields(f.git("diff", "--name-only", again.ID.Tag(), changed.ID.Tag(), "--", "apps")); len(files) != 1 ||
		!strings.HasSuffix(files[0], after.Pieces[len(after.Pieces)-1]) {
		t.Errorf("one row changed, and %v", files)
	}
	if got := f.payload(changed, opener); !bytes.Equal(got, table.payload()) {
		t.Error("other bytes come back")
	}

	loaded, err := f.repo.Load(t.Context(), changed, nil)
	if err != nil {
		t.Fatal(err)
	}
	var missing *keyring.Error
	if _, err := loaded.Payload(loaded.Meta.Apps[0].AppKey, after); !errors.As(err, &missing) {
		t.Errorf("without an identity: %v", err)
	}
}

// Whoever reads to io.EOF has what was exported.
func TestPayloadIsCheckedAsItIsRead(t *testing.T) {
	f := newFixture(t)
	table := newTable(8000).payload()
	ref := f.save(growthDataset, table)
	loaded, err := f.repo.Load(t.Context(), ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	app := loaded.Meta.Apps[0]
	good := app.Datasets[0]
	if len(good.Pieces) < 3 {
		t.Fatalf("only %d pieces: the test shows nothing", len(good.Pieces))
	}

	for name, change := range map[string]func(d *appbur.Dataset){
		"a piece is missing":         func(d *appbur.Dataset) { d.Pieces[1] = "nowhere.ndjson" },
		"pieces in another order":    func(d *appbur.Dataset) { slices.Reverse(d.Pieces) },
		"a piece less":               func(d *appbur.Dataset) { d.Pieces = d.Pieces[:len(d.Pieces)-1] },
		"a piece twice":              func(d *appbur.Dataset) { d.Pieces = append(d.Pieces, d.Pieces[0]) },
		"another digest":             func(d *appbur.Dataset) { d.Digest[0] ^= 1 },
		"another size":               func(d *appbur.Dataset) { d.Size++ },
		"a piece outside of its dir": func(d *appbur.Dataset) { d.Pieces[1] = "../../../../appbur.yaml" },
	} {
		d := good
		d.Pieces = slices.Clone(good.Pieces)
		change(&d)
		reader, err := loaded.Payload(app.AppKey, d)
		if err == nil {
			_, err = io.Copy(io.Discard, reader)
		}
		if err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}

	reader, err := loaded.Payload(app.AppKey, good)
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Points of the first format, which had numbered pieces, are read as before.
func TestFirstFormatIsRead(t *testing.T) {
	f := newFixture(t)
	outcome := f.backup()
	payload := newTable(300).payload()
	half := bytes.IndexByte(payload[len(payload)/2:], '\n') + 1 + len(payload)/2

	point := strings.NewReplacer("DIGEST", appbur.DigestOf(payload).String(), "SIZE", fmt.Sprint(len(payload)), "COMMIT",
		outcome.Commit.String(), "OBJECTS", fmt.Sprint(outcome.Objects)).Replace(`{
  "format": 1, "id": "20261101T000000Z", "created": "2026-11-01T00:00:00Z", "cluster": {"id": "c1", "kubernetesVersion": "1.24.17"},
  "rulesVersion": "1", "manifestsCommit": "COMMIT", "partial": false, "objects": OBJECTS,
  "apps": [{"namespace": "shop", "name": "orders", "app": "example.com", "version": "1.0.0", "datasets": [
    {"name": "orders", "schema": "1.0", "mediaType": "application/x-ndjson", "rows": 300, "size": SIZE, "digest": "DIGEST", "pieces": ["000000.ndjson", "000001.ndjson"]}]}]
}`)

	edit, err := f.repo.git.Edit(outcome.Commit)
	if err != nil {
		t.Fatal(err)
	}

	for name, data := range map[string]string{
		appbur.RestorePointFile: point, appbur.CoverageFile: "{}", appbur.EvidenceFile: `{"format":1}`,
		"apps/shop/orders/orders/000000.ndjson": string(payload[:half]), "apps/shop/orders/orders/000001.ndjson": string(payload[half:]),
	} {
		if _, err := edit.Put(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}

	if _, _, err := f.repo.git.CommitAndTag(t.Context(), "restore-points/20261101T000000Z", edit, outcome.Commit,
		gitsync.CommitInfo{Author: identity, Committer: identity, Time: f.now(), Subject: "old"},
		gitsync.TagInfo{Tagger: identity, Time: f.now(), Message: "old"}); err != nil {
		t.Fatal(err)
	}

	old, err := f.repo.Resolve("20261101T000000Z")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.payload(old, nil); !bytes.Equal(got, payload) {
		t.Error("other bytes come back")
	}
	if p := f.describe(old); !p.Started.Equal(p.Created) || !p.Ended.Equal(p.Created) {
		t.Errorf("%+v", p)
	}

	// The next point cuts anew and leaves nothing of the old names.
	ref := f.save(growthDataset, payload)
	if files := f.git("ls-tree", "-r", "--name-only", ref.ID.Tag(), "apps/"); strings.Contains(files, "000000.ndjson") {
		t.Errorf("old pieces are in the new point:\n%s", files)
	}
	changes, err := f.repo.DiffDatasets(old, ref)
	if err != nil || len(changes) != 0 {
		t.Errorf("%+v, %v", changes, err)
	}
}

// Several applications write at once, and only whole ones are in the point.
func TestSeveralApplicationsAtOnce(t *testing.T) {
	f := newFixture(t)
	f.save(growthDataset, newTable(100).payload()) // an application that is gone next time
	f.time = f.time.Add(time.Hour)
	outcome := f.backup()
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	payload := newTable(4000).payload()
	var group sync.WaitGroup

	for n := range 5 {
		group.Go(func() {
			key := appbur.AppKey{Namespace: "team", Name: fmt.Sprint("app", n)}
			d := growthDataset
			d.Sensitive = n%2 == 0
			sink, err := writer.Dataset(key, d)
			if err != nil {
				t.Error(err)
				return
			}
			_, writeErr := sink.Write(payload)
			if err := errors.Join(writeErr, sink.Close()); err != nil {
				t.Error(err)
			}
			if n == 4 {
				return // it never says that it is whole
			}
			d.Size, d.Digest = int64(len(payload)), appbur.DigestOf(payload)
			if err := writer.Application(appbur.AppState{AppKey: key, Datasets: []appbur.Dataset{d}}); err != nil {
				t.Error(err)
			}
		})
	}

	group.Wait()
	if _, err := writer.Save(t.Context(), outcome.Commit,
		PointContent{
			Created: f.now(), Cluster: fixtureCluster, Objects: outcome.Objects,
			Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
		}); err != nil {
		t.Fatal(err)
	}

	ref, err := f.repo.Resolve(LatestPartial) // the one that is gone is missing
	if err != nil {
		t.Fatal(err)
	}
	if got := f.git("ls-tree", "--name-only", ref.ID.Tag(), "apps/",
		"apps/team/"); got != "apps/.gitattributes\napps/team/app0\napps/team/app1\napps/team/app2\napps/team/app3\n" {
		t.Errorf("the point holds\n%s", got)
	}
	loaded, err := f.repo.Load(t.Context(), ref, f.opener())
	if err != nil {
		t.Fatal(err)
	}

	for _, app := range loaded.Meta.Apps {
		reader, err := loaded.Payload(app.AppKey, app.Datasets[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%s: %d bytes, %v", app.AppKey, len(got), err)
		}
	}
}

// What an application says must be what arrived.
func TestApplicationThatSaysOtherwiseIsRefused(t *testing.T) {
	f := newFixture(t)
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	key := appbur.AppKey{Namespace: "shop", Name: "orders"}
	state := func(d appbur.Dataset) appbur.AppState {
		return appbur.AppState{AppKey: key, Datasets: []appbur.Dataset{d}}
	}

	d := growthDataset
	if err := writer.Application(state(d)); err == nil {
		t.Error("a dataset that never came is accepted")
	}
	sink, err := writer.Dataset(key, d)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := writer.Dataset(key, d); err == nil {
		t.Error("a dataset comes twice")
	}
	if _, err := sink.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	d.Size, d.Digest = 3, appbur.DigestOf([]byte("{}\n"))

	if err := writer.Application(state(d)); err == nil {
		t.Error("a dataset that has not ended is accepted")
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write([]byte("{}\n")); err == nil {
		t.Error("bytes after the end are accepted")
	}

	for _, name := range []string{"", "..", "a/b", ".git"} {
		if _, err := writer.Dataset(key, appbur.Dataset{Name: name}); err == nil {
			t.Errorf("a dataset may be called %q", name)
		}
	}
}

// A point that is damaged does not stop the next one.
func TestDamagedPointDoesNotStopTheNext(t *testing.T) {
	f := newFixture(t)
	payload := newTable(1000).payload()
	first := f.save(secretDataset, payload)
	command := exec.Command("git", "-C", f.repo.Dir(), "mktree", "--missing")
	command.Stdin = strings.NewReader("040000 tree 0123456789abcdef0123456789abcdef01234567\tapps\n")
	tree, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}

	commit := f.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit-tree", "-m", "damaged", strings.TrimSpace(string(tree)))
	f.git("update-ref", "refs/tags/restore-points/20991231T000000Z", strings.TrimSpace(commit))
	f.reopen()
	ref := f.save(secretDataset, payload)
	if got := f.payload(ref, f.opener()); !bytes.Equal(got, payload) {
		t.Error("other bytes come back")
	}
	apps := func(ref PointRef) string { return f.git("rev-parse", ref.ID.Tag()+":apps") }
	if apps(first) != apps(ref) {
		t.Error("the ciphertext of the point before the damaged one was not used")
	}
}
