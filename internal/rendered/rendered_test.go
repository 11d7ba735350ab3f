package rendered

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

var (
	phaseTwo   = restore.Phase{Number: 2, Name: "objects", Why: "first"}
	phaseSeven = restore.Phase{Number: 7, Name: "admission", Why: "last"}
)

func plain(phase restore.Phase, apiVersion, kind, namespace, name string) restore.PlainObject {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group = ""
	}
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return restore.PlainObject{
		Object: appbur.ObjectID{Group: group, Kind: kind, Namespace: namespace, Name: name}, Phase: phase,
		Content: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata},
	}
}

// hostile are objects with names that lead astray, in an order that no sorting would give.
func hostile() []restore.PlainObject {
	return []restore.PlainObject{
		plain(phaseTwo, "v1", "ConfigMap", "zoo", "web"),
		plain(phaseTwo, "v1", "ConfigMap", "..", ".."),
		plain(phaseTwo, "v1", "ConfigMap", "../../..", "etc/passwd"),
		plain(phaseTwo, "rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:node"),
		plain(phaseTwo, "rbac.authorization.k8s.io/v1", "ClusterRole", "", "kustomization"),
		plain(phaseTwo, "rbac.authorization.k8s.io/v1", "ClusterRole", "", "https://example.org//a?ref=b"),
		plain(phaseTwo, "example.org/v1", "DNSRecord", "a", "x"),
		plain(phaseTwo, "example.org/v1", "DnsRecord", "a", "x"),
		plain(phaseTwo, "v1", "Namespace", "", "a"),
		plain(phaseSeven, "v1", "ConfigMap", "a", "-- 'rm' \n# x"),
	}
}

func TestKustomizeKeepsObjectsAndOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	objects := hostile()
	set, err := NewSet(objects, About{Point: "20261118T030000Z"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, set.Files)

	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, r := range made.Resources() {
		got = append(got, r.GetKind()+"/"+r.GetNamespace()+"/"+r.GetName())
	}
	for _, o := range objects {
		want = append(want, o.Object.Kind+"/"+o.Object.Namespace+"/"+o.Object.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
		t.Errorf("outside of the directory there is %v (%v)", entries, err)
	}
}

func TestPathsThatLeadOutAreRefused(t *testing.T) {
	for _, name := range []string{"../x", "/x", "a/../../x", ListingFile, ""} {
		dir := filepath.Join(t.TempDir(), "out")
		d, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write([]File{{File: appbur.File{Path: name}}}); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}

func write(t *testing.T, dir string, files []File) {
	t.Helper()
	d, err := Open(dir)
	if err == nil {
		err = d.Write(files)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func files(texts ...string) []File {
	var list []File
	for i := 0; i < len(texts); i += 2 {
		list = append(list, File{File: appbur.File{Path: texts[i], Data: []byte(texts[i+1])}})
	}
	return list
}

// held is what a directory holds, but for the listing.
func held(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ListingFile {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			link, err := os.Readlink(at)
			all = append(all, at+" leads to "+link)
			return err
		}
		data, err := os.ReadFile(at)
		name, _ := filepath.Rel(dir, at)
		all = append(all, name+"="+string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// A process that is killed while it writes leaves old and new files, and one that is not
// finished. The next run takes them all for its own.
func TestARunAfterAKillGoesOn(t *testing.T) {
	older, newer := files("a/1", "old", "a/2", "old", "b/3", "gone"), files("a/1", "new", "a/2", "new", "c/4", "new")
	for written := range len(newer) + 1 {
		t.Run(fmt.Sprint(written), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			write(t, dir, older)
			killed, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := killed.list(listing{Format: listingFormat, Files: killed.found, Pending: listed(newer)}); err != nil {
				t.Fatal(err)
			}
			if err := killed.writeAll(newer[:written]); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "a/2"+unfinished), []byte("ne"), 0o600); err != nil {
				t.Fatal(err)
			}

			for _, next := range [][]File{newer, older} {
				write(t, dir, next)
				other := filepath.Join(t.TempDir(), "other")
				write(t, other, next)
				if got, want := held(t, dir), held(t, other); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func TestWhatIsNotRenderedIsNeverTouched(t *testing.T) {
	cases := map[string]struct {
		spoil func(dir string) error
		want  OccupiedError
	}{
		"a file of somebody else": {
			func(dir string) error { return os.WriteFile(filepath.Join(dir, "b/mine"), nil, 0o600) },
			OccupiedError{Foreign: []string{"b/mine"}},
		},
		"a file that was changed": {
			func(dir string) error { return os.WriteFile(filepath.Join(dir, "b/3"), []byte("changed"), 0o600) },
			OccupiedError{Changed: []string{"b/3"}},
		},
		"a link in the place of a file": {
			func(dir string) error {
				return errors.Join(os.Remove(filepath.Join(dir, "b/3")), os.Symlink("../../outside", filepath.Join(dir, "b/3")))
			},
			OccupiedError{Foreign: []string{"b/3"}},
		},
		"a link in the place of a directory": {
			func(dir string) error {
				return errors.Join(os.Rename(filepath.Join(dir, "b"), dir+".moved"), os.Symlink(dir+".moved", filepath.Join(dir, "b")))
			},
			OccupiedError{Foreign: []string{"b"}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			write(t, dir, files("a/1", "old", "b/3", "old"))
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := held(t, dir)

			_, err := Open(dir)
			var occupied *OccupiedError
			if !errors.As(err, &occupied) || !slices.Equal(occupied.Foreign, c.want.Foreign) || !slices.Equal(occupied.Changed, c.want.Changed) {
				t.Errorf("got %v", err)
			}
			if after := held(t, dir); after != before {
				t.Errorf("%s became %s", before, after)
			}
		})
	}
}

func TestGitIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".git/objects"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".git/HEAD"), []byte("ref"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir, files("a/1", "old"))
	write(t, dir, files("a/2", "new"))
	if got := held(t, dir); got != ".git/HEAD=ref a/2=new" {
		t.Error(got)
	}
}

func TestAListingOfALaterReleaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{`{"format":2}`, `{`} {
		if err := os.WriteFile(filepath.Join(dir, ListingFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
