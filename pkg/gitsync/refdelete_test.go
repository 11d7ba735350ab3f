package gitsync_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

// point makes a tag on a child commit of nothing.
func point(ctx context.Context, r *gitsync.Repository, name string) (gitsync.Hash, error) {
	e, err := r.Edit(gitsync.Hash{})
	if err != nil {
		return gitsync.Hash{}, err
	}
	if _, err := e.Put("name", []byte(name)); err != nil {
		return gitsync.Hash{}, err
	}
	_, tag, err := r.CommitAndTag(ctx, name, e, gitsync.Hash{}, info("point"), tagInfo("point", nil))
	return tag, err
}

// newPointed is a repository with a main branch, so that git has nothing to say.
func newPointed(t *testing.T) *gitsync.Repository {
	t.Helper()
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a", "b")
	commit(t, r, e, "begin")
	return r
}

func points(t *testing.T, r *gitsync.Repository, names ...string) map[string]gitsync.Hash {
	t.Helper()
	tags := map[string]gitsync.Hash{}
	for _, name := range names {
		tag, err := point(t.Context(), r, "points/"+name)
		if err != nil {
			t.Fatal(err)
		}
		tags["refs/tags/points/"+name] = tag
	}
	return tags
}

func only(tags map[string]gitsync.Hash, names ...string) map[string]gitsync.Hash {
	some := map[string]gitsync.Hash{}
	for _, name := range names {
		some["refs/tags/points/"+name] = tags["refs/tags/points/"+name]
	}
	return some
}

func tagsLeft(t *testing.T, r *gitsync.Repository) string {
	t.Helper()
	return strings.ReplaceAll(git(t, r.Dir(), "for-each-ref", "--format=%(refname:lstrip=3)"), "\n", " ")
}

func TestDeleteRefs(t *testing.T) {
	for _, pack := range []string{"loose", "packed", "both"} {
		t.Run(pack, func(t *testing.T) {
			r := newPointed(t)
			tags := points(t, r, "a", "b", "c")

			switch pack {
			case "packed":
				git(t, r.Dir(), "pack-refs", "--all")
			case "both":
				git(t, r.Dir(), "pack-refs", "--all", "--no-prune")
			}

			tags["refs/tags/points/d"] = points(t, r, "d")["refs/tags/points/d"]
			if err := r.DeleteRefs(t.Context(), only(tags, "a", "c", "d"), only(tags, "b")); err != nil {
				t.Fatal(err)
			}
			if left := tagsLeft(t, r); left != "b" {
				t.Errorf("git sees %q", left)
			}
			list, err := r.Tags("points/")
			if err != nil || len(list) != 1 || list[0].Name != "points/b" {
				t.Errorf("%+v, %v", list, err)
			}
			fsck(t, r.Dir())

			// What git packs afterwards is what is there.
			git(t, r.Dir(), "pack-refs", "--all")
			if left := tagsLeft(t, r); left != "b" {
				t.Errorf("after packing git sees %q", left)
			}

			// The name is free again.
			points(t, r, "a")
		})
	}
}

// Nothing goes unless all is as the caller believes.
func TestDeleteRefsComparesBeforeItDeletes(t *testing.T) {
	r := newPointed(t)
	tags := points(t, r, "a", "b")
	wrong := only(tags, "a", "b")
	wrong["refs/tags/points/b"] = tags["refs/tags/points/a"]
	missing := only(tags, "a")
	missing["refs/tags/points/never"] = tags["refs/tags/points/a"]

	for name, test := range map[string]struct{ gone, kept map[string]gitsync.Hash }{
		"one of them moved":        {wrong, nil},
		"one of them is gone":      {missing, nil},
		"what should remain moved": {only(tags, "a"), map[string]gitsync.Hash{"refs/tags/points/b": tags["refs/tags/points/a"]}},
		"what should remain went":  {only(tags, "a"), map[string]gitsync.Hash{"refs/tags/points/never": tags["refs/tags/points/a"]}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := r.DeleteRefs(t.Context(), test.gone, test.kept); !errors.Is(err, gitsync.ErrRefMoved) {
				t.Errorf("the error is %v", err)
			}
			if left := tagsLeft(t, r); left != "a b" {
				t.Errorf("git sees %q", left)
			}
		})
	}

	if err := r.DeleteRefs(t.Context(), map[string]gitsync.Hash{"refs/tags/../../config": tags["refs/tags/points/a"]}, nil); err == nil {
		t.Error("a name that leaves the refs is accepted")
	}
}

// A lock of git's is respected, and one that a dead process of ours left is not.
func TestDeleteRefsAndLocks(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for _, lock := range []string{"packed-refs.lock", "refs/tags/points/a.lock"} {
		r := newPointed(t)
		tags := points(t, r, "a")
		git(t, r.Dir(), "pack-refs", "--all", "--no-prune")
		lock = filepath.Join(r.Dir(), lock)
		if err := os.WriteFile(lock, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := r.DeleteRefs(t.Context(), tags, nil); !errors.Is(err, gitsync.ErrLocked) {
			t.Errorf("%s: the error is %v", lock, err)
		}
		if left := tagsLeft(t, r); left != "a" {
			t.Errorf("%s: git sees %q", lock, left)
		}
		staged := map[bool]string{true: "appbur.packed-refs", false: "appbur.ref"}[strings.HasSuffix(lock, "packed-refs.lock")]
		if err := os.Link(lock, filepath.Join(r.Dir(), staged)); err != nil {
			t.Fatal(err)
		}
		if err := r.DeleteRefs(t.Context(), tags, nil); err != nil {
			t.Errorf("%s: our own dead lock is in the way: %v", lock, err)
		}
		if left := tagsLeft(t, r); left != "" {
			t.Errorf("%s: git sees %q", lock, left)
		}
	}
}

// deleterEnv holds the repository that a child of the crash test deletes in.
const deleterEnv = "GITSYNC_DELETER_REPOSITORY"

// TestDeleterChild is the child: it makes points and deletes them until it is killed,
// and tells what it will do and has done.
func TestDeleterChild(t *testing.T) {
	dir := os.Getenv(deleterEnv)
	if dir == "" {
		return // this is the parent
	}
	r, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	for {
		for range 2 {
			name := fmt.Sprint("points/", rand.Uint64())
			if _, err := point(t.Context(), r, name); err != nil {
				t.Fatal(err)
			}
			fmt.Println("made", "refs/tags/"+name)
		}
		all, err := r.Tags("points/")
		if err != nil {
			t.Fatal(err)
		}
		gone := map[string]gitsync.Hash{}
		for range 2 {
			tag := all[rand.IntN(len(all))]
			gone["refs/tags/"+tag.Name] = tag.Object
		}
		for name := range gone {
			fmt.Println("deleting", name)
		}
		if err := r.DeleteRefs(t.Context(), gone, nil); err != nil {
			t.Fatal(err)
		}
		for name := range gone {
			fmt.Println("deleted", name)
		}
	}
}

// A process that is killed while it deletes leaves each ref there or gone, and no lock
// that would stop the next one.
func TestKilledDeleterLeavesRefsWholeOrGone(t *testing.T) {
	r := newPointed(t)
	points(t, r, "first")
	kills := 15
	if testing.Short() {
		kills = 3
	}

	for kill := range kills {
		child := exec.Command(os.Args[0], "-test.run=^TestDeleterChild$")
		child.Env = append(os.Environ(), deleterEnv+"="+r.Dir())
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		state := map[string]string{}
		see := func() {
			if word, name, ok := strings.Cut(lines.Text(), " "); ok && strings.HasPrefix(name, "refs/") {
				state[name] = word
			}
		}
		for len(state) == 0 && lines.Scan() {
			see()
		}
		if len(state) == 0 {
			_ = child.Wait()
			t.Fatalf("kill %d: the child ended by itself: what a dead one left stops the next", kill)
		}
		timer := time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { _ = child.Process.Kill() })
		for lines.Scan() {
			see()
		}
		timer.Stop()
		_ = child.Wait()
		fsck(t, r.Dir())
		present := git(t, r.Dir(), "for-each-ref", "--format=%(refname)")
		for name, word := range state {
			there := strings.Contains(present+"\n", name+"\n")
			if word == "made" && !there || word == "deleted" && there {
				t.Fatalf("kill %d: %s was acknowledged as %s, git says %v", kill, name, word, there)
			}
		}
		// The next child finds both loose and packed refs. Git cannot know that the
		// owner of a lock is dead; our own next writer does.
		_ = os.Remove(filepath.Join(r.Dir(), "packed-refs.lock"))
		git(t, r.Dir(), "pack-refs", "--all")
	}

	points(t, r, "last")
	for _, pattern := range []string{"appbur.ref", "appbur.packed-refs", "packed-refs.lock", "refs/tags/points/*.lock"} {
		if left, _ := filepath.Glob(filepath.Join(r.Dir(), pattern)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
