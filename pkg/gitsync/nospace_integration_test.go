//go:build integration && linux

package gitsync_test

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
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// mountedEnv says to a child of these tests that it has mounts of its own, and
// where it may mount.
const mountedEnv = "GITSYNC_MOUNTED"

// inOwnMounts runs the calling test again in a user and a mount namespace of its
// own, where anybody may mount. It returns true in the child.
func inOwnMounts(t *testing.T) (dir string, child bool) {
	t.Helper()
	if dir := os.Getenv(mountedEnv); dir != "" {
		return dir, true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mountedEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}

	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a mount namespace of its own (as a plain user this needs a kernel that allows user namespaces): %v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the child did not run the test:\n%s", out)
	}
	return "", false
}

// mountSmall mounts a file system of so many bytes in memory.
func mountSmall(t *testing.T, dir string, size int) {
	t.Helper()
	// Whatever is mounted here stays here.
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprint("size=", size)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// ballast takes all space that is left but a little.
func ballast(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ballast")
	if err := os.WriteFile(path, make([]byte, int64(s.Bavail)*s.Bsize-leave), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func wantNoSpace(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, gitsync.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) || appbur.HintOf(err) == "" {
		t.Errorf("%s: %v (hint %q), want ErrNoSpace with its cause and a hint", what, err, appbur.HintOf(err))
	}
}

func TestFullDisk(t *testing.T) {
	dir, child := inOwnMounts(t)
	if !child {
		return
	}
	mountSmall(t, dir, 64<<20)
	r, err := gitsync.Init(filepath.Join(dir, "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	commits := grow(t, r, 300, 20)
	tip := commits[len(commits)-1]
	e := edit(t, r, tip)

	for round, leave := range []int64{0, 4 << 10, 12 << 10, 40 << 10} {
		for i := range 100 {
			put(t, e, fmt.Sprintf("large/%d/%d", round, i), strings.Repeat(fmt.Sprintf("%x", i*7919+round), 100))
		}
		put(t, e, fmt.Sprintf("noise/%d", round), random(t, 200<<10))
		free := ballast(t, dir, leave)
		_, err := r.Commit(t.Context(), gitsync.MainRef, e, info("too much"))
		wantNoSpace(t, "commit", err)
		_, _, err = r.CommitAndTag(t.Context(), "point", e, tip, info("too much"), tagInfo("point", nil))
		wantNoSpace(t, "restore point", err)
		_, err = r.Maintain(t.Context(), gitsync.MaintainOptions{Full: true})
		wantNoSpace(t, "maintenance", err)
		if left := glob(t, r, "*tmp_*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		// Reading needs no space.
		if now, err := r.Tip(gitsync.MainRef); err != nil || now != tip {
			t.Fatalf("the tip is %s, %v", now, err)
		}
		if got := contents(t, r, commits[0]); len(got) != 300 {
			t.Errorf("%d files", len(got))
		}
		fsck(t, r.Dir())
		free()
		// The same edit goes on.
		tip = commit(t, r, e, "enough")
		fsck(t, r.Dir())
		if left := glob(t, r, "tmp_*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if got := contents(t, r, tip); len(got) != 300+101*(round+1) {
			t.Errorf("round %d: %d files", round, len(got))
		}
	}

	maintain(t, r, gitsync.MaintainOptions{Full: true})
	fsck(t, r.Dir())
}

// Content that no longer fits is refused when it is put; what was held goes on, and the same content is taken once there is
// room.
func TestFullDiskWhileContentIsSpilled(t *testing.T) {
	dir, child := inOwnMounts(t)
	if !child {
		return
	}
	mountSmall(t, dir, 40<<20)
	r, err := gitsync.Init(filepath.Join(dir, "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "first", "1")
	free := ballast(t, dir, 6<<20)
	want := map[string]string{"first": "1"}

	for i := 0; ; i++ {
		path, data := fmt.Sprint("payload/", i), random(t, 4<<20)
		_, err := e.Put(path, []byte(data))
		want[path] = data
		if err != nil {
			wantNoSpace(t, "put", err)
			free()
			if changed, err := e.Put(path, []byte(data)); err != nil || !changed {
				t.Errorf("once there is room: changed %t, %v", changed, err)
			}
			break
		}
		if i > 20 {
			t.Fatal("the disk is never full")
		}
	}

	tip := commit(t, r, e, "all of it")
	fsck(t, r.Dir())

	for path, data := range contents(t, r, tip) {
		if want[path] != data {
			t.Errorf("%s is not what was put", path)
		}
		delete(want, path)
	}

	if len(want) > 0 {
		t.Errorf("%d files are missing", len(want))
	}
}

// Freeing space needs none: points go, and what only they held, on a disk that is full to
// the last byte, and nothing else is lost.
func TestFreeingSpaceOnAFullDisk(t *testing.T) {
	dir, child := inOwnMounts(t)
	if !child {
		return
	}
	mountSmall(t, dir, 64<<20)
	r, err := gitsync.Init(filepath.Join(dir, "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	commits := grow(t, r, 100, 5)
	tip := commits[len(commits)-1]
	want := contents(t, r, tip)
	// Each point is a pack of its own that goes as a whole, but one, which shares a pack
	// with what stays.
	tags := map[string]gitsync.Hash{}
	for i := range 4 {
		e := edit(t, r, tip)
		put(t, e, "payload", random(t, 1<<20))
		name := fmt.Sprint("point-", i)
		if _, _, err := r.CommitAndTag(t.Context(), name, e, tip, info(name), tagInfo(name, nil)); err != nil {
			t.Fatal(err)
		}
		tags["refs/tags/"+name] = hash(t, git(t, r.Dir(), "rev-parse", "refs/tags/"+name))
		if i == 0 {
			maintain(t, r, gitsync.MaintainOptions{Full: true})
		}
	}
	git(t, r.Dir(), "pack-refs", "--all")
	looseBlob := gitIn(t, r.Dir(), random(t, 1<<20), "hash-object", "-w", "--stdin")
	fillUp(t, dir)

	if err := r.DeleteRefs(t.Context(), tags, nil); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if left := git(t, r.Dir(), "for-each-ref", "refs/tags"); left != "" {
		t.Errorf("left: %s", left)
	}
	fillUp(t, dir)
	report, err := r.Maintain(t.Context(), gitsync.MaintainOptions{PruneBefore: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatalf("prune: %v (hint %q)", err, appbur.HintOf(err))
	}
	// A commit, a tag, a tree and a blob each, and the loose one.
	if freed := report.BytesBefore - report.BytesAfter; freed < 5<<20 || report.Pruned != 4*4+1 {
		t.Errorf("%d bytes and %d objects were freed: %+v", freed, report.Pruned, report)
	}
	if _, err := tryGit(r.Dir(), "", "cat-file", "-e", looseBlob); err == nil {
		t.Error("the loose object is still there")
	}
	fsck(t, r.Dir())
	if got := contents(t, r, tip); !maps.Equal(got, want) {
		t.Errorf("%d files of %d are left", len(got), len(want))
	}
	if left := glob(t, r, "*tmp_*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// When the packs that are left have to be written anew and there is no room for it, the
// error says how much is wanted, and with that it goes on.
func TestPruningSaysHowMuchRoomItNeeds(t *testing.T) {
	dir, child := inOwnMounts(t)
	if !child {
		return
	}
	mountSmall(t, dir, 64<<20)
	r, err := gitsync.Init(filepath.Join(dir, "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "stays", random(t, 8<<20))
	tip := commit(t, r, e, "stays")
	e = edit(t, r, tip)
	put(t, e, "payload", random(t, 8<<20))
	if _, _, err := r.CommitAndTag(t.Context(), "point", e, tip, info("point"), tagInfo("point", nil)); err != nil {
		t.Fatal(err)
	}
	maintain(t, r, gitsync.MaintainOptions{Full: true})
	free := fillUp(t, dir)
	point := hash(t, git(t, r.Dir(), "rev-parse", "refs/tags/point"))
	if err := r.DeleteRefs(t.Context(), map[string]gitsync.Hash{"refs/tags/point": point}, nil); err != nil {
		t.Fatalf("delete: %v", err)
	}

	prune := gitsync.MaintainOptions{PruneBefore: time.Now().Add(time.Hour)}
	_, err = r.Maintain(t.Context(), prune)
	wantNoSpace(t, "prune", err)
	if !strings.Contains(err.Error(), "1 packs hold 83") || !strings.Contains(appbur.HintOf(err), "make 83") {
		t.Errorf("%v, hint %q", err, appbur.HintOf(err))
	}
	if left := glob(t, r, "*tmp_*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	fsck(t, r.Dir())

	free()
	report := maintain(t, r, prune)
	if report.Pruned != 4 {
		t.Errorf("%+v", report)
	}
	fsck(t, r.Dir())
}

// fillUp takes all space to the last byte.
func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	file, err := os.CreateTemp(dir, "ballast-*")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(file.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir, child := inOwnMounts(t)
	if !child {
		return
	}
	mountSmall(t, dir, 16<<20)
	r, err := gitsync.Init(filepath.Join(dir, "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	commits := grow(t, r, 50, 5)
	tip := commits[len(commits)-1]

	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	r, err = gitsync.Open(r.Dir())
	if err != nil {
		t.Fatalf("reading needs no writing: %v", err)
	}
	if got := contents(t, r, tip); len(got) != 50 {
		t.Errorf("%d files", len(got))
	}
	e := edit(t, r, tip)
	put(t, e, "new", "1")
	_, err = r.Commit(t.Context(), gitsync.MainRef, e, info("refused"))

	_, maintainErr := r.Maintain(t.Context(), gitsync.MaintainOptions{})
	for what, err := range map[string]error{"commit": err, "maintenance": maintainErr} {
		if !errors.Is(err, gitsync.ErrReadOnly) || !errors.Is(err, syscall.EROFS) || appbur.HintOf(err) == "" {
			t.Errorf("%s: %v, want ErrReadOnly with its cause and a hint", what, err)
		}
	}

	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	commit(t, r, e, "accepted")
	maintain(t, r, gitsync.MaintainOptions{})
	fsck(t, r.Dir())
}

// random is text that does not compress.
func random(t *testing.T, size int) string {
	t.Helper()
	b := make([]byte, size)
	file, err := os.Open("/dev/urandom")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Read(b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}
