//go:build integration

package files

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/adaptertest"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// ownedAs returns whom each file, link and directory belongs to.
func ownedAs(t *testing.T, dir string, names ...string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		got[name] = fmt.Sprintf("%d:%d %v", stat.Uid, stat.Gid, info.Mode())
	}
	return got
}

// root makes sure that the test may give files away; nothing else can show it.
func root(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test gives files to other users and must run as root")
	}
}

const owned = `[{name: a, include: [d, "*.conf"], symlinks: keep, mtime: true, owners: %s}]`

// ownedFiles are files of several users below dir.
func ownedFiles(t *testing.T, dir string) {
	t.Helper()
	tree{"d/sub/app": "x", "d/link": "-> sub/app", "root.conf": "y", "d/daemon": "z"}.write(t, dir)
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.Chmod(in("d/sub/app"), 0o604),
		os.Lchown(in("d/sub/app"), 61234, 62345), os.Lchown(in("d/link"), 61000, 62000), os.Lchown(in("d/daemon"), 1, 1),
	); err != nil {
		t.Fatal(err)
	}
}

// Owners of files and links come back over the wire, also where somebody else's file is
// in the place, and directories that are made on the way are no trap.
func TestOwnersComeBack(t *testing.T) {
	root(t)
	for policy, daemon := range map[string]string{"numeric": `"owner":"1","group":"1"`, "names": `"owner":"daemon","group":"daemon"`} {
		t.Run(policy, func(t *testing.T) {
			from, to := t.TempDir(), t.TempDir()
			ownedFiles(t, from)
			tree{"root.conf": "old", "d/daemon": "old"}.write(t, to)
			if err := os.Lchown(filepath.Join(to, "root.conf"), 5, 5); err != nil {
				t.Fatal(err)
			}

			source := open(t, from, fmt.Sprintf(owned, policy))
			rows, err := export(t, source, "a")
			if err != nil || !strings.Contains(strings.Join(rows, ""), daemon) {
				t.Fatalf("%s, %v", rows, err)
			}
			saved, err := adaptertest.Run(t, source).Backup(t)
			if err != nil {
				t.Fatal(err)
			}
			target := adaptertest.Run(t, open(t, to, fmt.Sprintf(owned, policy)))
			if notes, err := target.Restore(t, saved); err != nil || len(notes) != 0 {
				t.Fatalf("%q, %v", notes, err)
			}

			names := []string{"d/sub/app", "d/link", "root.conf", "d/daemon"}
			if got, want := ownedAs(t, to, names...), ownedAs(t, from, names...); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if got := ownedAs(t, to, "d/sub")["d/sub"]; got != "61234:62345 drwxr-xr-x" {
				t.Errorf("the directory that was made for a file is %s", got)
			}
			if differences, err := target.Verify(t, saved); err != nil || len(differences) != 0 {
				t.Errorf("%q, %v", differences, err)
			}
		})
	}
}

// After a crash in the midst of a commit, files and the directories made for them have
// their owners.
func TestOwnersAfterACrash(t *testing.T) {
	root(t)
	from, to := t.TempDir(), t.TempDir()
	ownedFiles(t, from)
	rows, err := export(t, open(t, from, fmt.Sprintf(owned, "numeric")), "a")
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(config(t, to, fmt.Sprintf(owned, "numeric")))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := a.Begin(t.Context())
	if err == nil {
		err = tx.Replace(t.Context(), "a", adaptertest.Feed(rows))
	}
	if err == nil {
		err = tx.(*transaction).journal.write(a.root)
	}
	// A directory that was about to be given away when the machine stopped.
	if err = errors.Join(err, a.root.Mkdir(newDir, 0o700), a.Close()); err != nil {
		t.Fatal(err)
	}

	open(t, to, fmt.Sprintf(owned, "numeric"))
	names := []string{"d/sub/app", "d/link", "root.conf", "d/daemon"}
	if got, want := ownedAs(t, to, names...), ownedAs(t, from, names...); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := ownedAs(t, to, "d/sub")["d/sub"]; got != "61234:62345 drwxr-xr-x" {
		t.Errorf("the directory that was made for a file is %s", got)
	}
	if _, err := os.Lstat(filepath.Join(to, newDir)); err == nil {
		t.Error("a directory is left")
	}
}

func TestContractKitWithOwners(t *testing.T) {
	root(t)
	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		dir := t.TempDir()
		ownedFiles(t, dir)
		a := open(t, dir, fmt.Sprintf(owned, "names"))
		return a, contract.Options{ID: "wiki", Version: "1", Datasets: a.Datasets()}, nil
	})})
}

// childDir names the directory that the process of somebody else works on.
const childDir = "APPBUR_TEST_OWNER_DIR"

// An adapter that may not give files away says so, and what to do, and replaces nothing.
// The same file without an owner is none of its business.
func TestOwnersWithoutTheRight(t *testing.T) {
	root(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "test")
	program, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(binary, program, 0o755)
	}
	tree{"data/d/old": "1", "data/x.conf": "2"}.write(t, dir)
	for _, name := range []string{"data", "data/d", "data/d/old", "data/x.conf"} {
		err = errors.Join(err, os.Lchown(filepath.Join(dir, name), 65534, 65534))
	}
	err = errors.Join(err, os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // somebody else runs the program in it
	if err != nil {
		t.Fatal(err)
	}

	child := exec.CommandContext(t.Context(), binary, "-test.run=^TestUnprivilegedImport$", "-test.v")
	child.Dir = dir
	child.Env = append(os.Environ(), childDir+"="+filepath.Join(dir, "data"), "TMPDIR="+filepath.Join(dir, "data"))
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestUnprivilegedImport") {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestUnprivilegedImport is the child of [TestOwnersWithoutTheRight]; by itself it
// has nothing to do.
func TestUnprivilegedImport(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	a := open(t, dir, fmt.Sprintf(owned, "numeric"))
	mine, err := export(t, a, "a")
	if err != nil {
		t.Fatal(err)
	}
	before := read(t, dir)

	const others = `{"path":"y.conf","part":0,"mode":"0644","size":1,"owner":"0","group":"65534","text":"x"}`
	for name, rows := range map[string][]string{
		"a file":        append(mine, others),
		"a link":        append(mine, `{"path":"y.conf","part":0,"owner":"0","group":"0","link":"x.conf"}`),
		"not the first": {others, mine[0]},
	} {
		err := load(t, a, "a", rows...)
		if contract.ReasonOf(err) != contract.ReasonAppFailed || !strings.Contains(err.Error(), "no right to give files") ||
			!strings.Contains(appbur.HintOf(err), "as root") {
			t.Errorf("%s: %v, hint %q", name, err, appbur.HintOf(err))
		}
		if got := read(t, dir); !maps.Equal(got, before) {
			t.Errorf("%s: the directory holds %v", name, got)
		}
	}

	// What belongs to the adapter anyway needs no right.
	if err := load(t, a, "a", mine...); err != nil {
		t.Error(err)
	}
	if got := read(t, dir); !maps.Equal(got, before) {
		t.Errorf("the directory holds %v", got)
	}
}
