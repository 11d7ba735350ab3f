//go:build integration

package gitsync_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/powerloss"
	"github.com/appbur/appbur/pkg/gitsync"
)

// durableEnv holds what a traced child does, and with what.
const durableEnv = "GITSYNC_DURABLE"

// durableActs are what a process reports as done; a power failure must not take it back.
var durableActs = map[string]func(ctx context.Context, dir, source string) error{
	"init": func(_ context.Context, dir, _ string) error {
		_, err := gitsync.Init(dir)
		return err
	},
	"clone": func(ctx context.Context, dir, source string) error {
		url, err := gitsync.ParseRemoteURL(source)
		if err != nil {
			return err
		}
		_, _, err = gitsync.Clone(ctx, dir, gitsync.Remote{URL: url}, gitsync.MainRef, "points/", gitsync.RemoteOptions{})
		return err
	},
	"commit": durably(func(ctx context.Context, r *gitsync.Repository, tip gitsync.Hash) error {
		e, err := r.Edit(tip)
		if err != nil {
			return err
		}
		if _, err := e.Put("ns/team-a/configmap.yaml", []byte("new: content\n")); err != nil {
			return err
		}
		_, err = r.Commit(ctx, gitsync.MainRef, e, info("commit"))
		return err
	}),
	"commit and tag": durably(func(ctx context.Context, r *gitsync.Repository, tip gitsync.Hash) error {
		e, err := r.Edit(tip)
		if err != nil {
			return err
		}
		if _, err := e.Put("restorepoint.json", []byte("{}\n")); err != nil {
			return err
		}
		_, _, err = r.CommitAndTag(ctx, "points/new", e, tip, info("point"), tagInfo("point", nil))
		return err
	}),
	"delete a tag": durably(func(ctx context.Context, r *gitsync.Repository, tip gitsync.Hash) error {
		old, err := r.Tip("refs/tags/points/old")
		if err != nil {
			return err
		}
		return r.DeleteRefs(ctx, map[string]gitsync.Hash{"refs/tags/points/old": old}, map[string]gitsync.Hash{gitsync.MainRef: tip})
	}),
	"delete a packed tag": durably(func(ctx context.Context, r *gitsync.Repository, _ gitsync.Hash) error {
		packed, err := r.Tip("refs/tags/points/packed")
		if err != nil {
			return err
		}
		return r.DeleteRefs(ctx, map[string]gitsync.Hash{"refs/tags/points/packed": packed}, nil)
	}),
	"maintain": durably(func(ctx context.Context, r *gitsync.Repository, _ gitsync.Hash) error {
		_, err := r.Maintain(ctx, gitsync.MaintainOptions{Full: true, PruneBefore: time.Now()})
		return err
	}),
}

func durably(do func(ctx context.Context, r *gitsync.Repository, tip gitsync.Hash) error) func(ctx context.Context, dir,
	source string) error {
	return func(ctx context.Context, dir, _ string) error {
		r, err := gitsync.Open(dir)
		if err != nil {
			return err
		}
		tip, err := r.Tip(gitsync.MainRef)
		if err != nil {
			return err
		}
		return do(ctx, r, tip)
	}
}

// needless are files that may be gone after a power failure, each with its reason.
var needless = regexp.MustCompile(`/(appbur\.reserve` + // room for deletions: taken again with the next one
	`|appbur\.packed-refs` + // staged, and replaced by the next deletion
	`|[^/]*\.lock|tmp_[^/]*|[^/]*\.keep)$`) // they hold while a process runs

// What a process reports as done is there after a power failure, and at no moment before does a ref name
// what would be lost.
func TestPowerFailureTakesNothingBack(t *testing.T) {
	for act := range durableActs {
		t.Run(act, func(t *testing.T) {
			home := t.TempDir()
			dir, source := filepath.Join(home, "new.git"), filepath.Join(home, "source.git")
			for _, made := range []string{dir, source} {
				if made == dir && (act == "init" || act == "clone") {
					continue
				}
				r, err := gitsync.Init(made)
				if err != nil {
					t.Fatal(err)
				}
				grow(t, r, 300, 3)
				git(t, made, "tag", "points/packed", "main")
				git(t, made, "pack-refs", "--all")
				git(t, made, "tag", "points/old", "main")
			}

			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), durableEnv+"="+act, "DURABLE_DIR="+dir, "DURABLE_SOURCE="+source)
			events, err := powerloss.Trace(t.Context(), cmd, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			follow(t, dir, events)
		})
	}
}

// follow applies events, and looks at the objects each time a ref becomes visible.
func follow(t *testing.T, dir string, events []powerloss.Event) {
	t.Helper()
	refs := regexp.MustCompile("^" + regexp.QuoteMeta(dir) + "/(packed-refs|refs/[^.]*)$")
	disk := powerloss.NewDisk()
	for _, e := range events {
		disk.Apply(e)
		if e.Call == "rename" && refs.MatchString(e.Path) {
			for _, loss := range losses(disk, filepath.Join(dir, "objects")) {
				t.Errorf("when %s names new objects: %s", e.Path, loss)
			}
		}
	}

	for _, loss := range losses(disk, dir) {
		t.Errorf("after the end: %s", loss)
	}
	if len(events) == 0 {
		t.Error("the trace holds nothing")
	}
}

// losses are the losses that matter: packs that come back hold what is still true.
func losses(disk *powerloss.Disk, path string) []powerloss.Loss {
	return slices.DeleteFunc(disk.Losses(path), func(l powerloss.Loss) bool {
		return needless.MatchString(l.Path) || l.Kind == "back" && filepath.Base(filepath.Dir(l.Path)) == "pack"
	})
}

//integration:own-tests it acts only in the child that a test of this file starts
func init() {
	act := os.Getenv(durableEnv)
	if act == "" {
		return
	}
	if err := durableActs[act](context.Background(), os.Getenv("DURABLE_DIR"), os.Getenv("DURABLE_SOURCE")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
