//go:build unix

package kubebuild

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur"
)

// tick is how often progress is reported when the compiler is silent, so that
// elapsed time moves on.
const tick = time.Second

// Builder fills a store.
type Builder struct {
	Store Store
	// Report, if set, is called with how far the build is. Calls do not overlap.
	Report func(Progress)
}

// Build makes the binaries of a version's control plane that the store lacks and
// returns all of them. With nothing to build it reads a few files and reports
// nothing.
func (b Builder) Build(ctx context.Context, v appbur.KubeVersion) (Binaries, error) {
	wanted, err := b.Store.Sources.programs(v)
	if err != nil {
		return Binaries{}, err
	}
	found, err := b.complete(ctx, v, wanted)
	return found.binaries(), err
}

// BuildNode does the same with the programs of a node, for a version that
// [Sources.HasNode].
func (b Builder) BuildNode(ctx context.Context, v appbur.KubeVersion) (NodeBinaries, error) {
	found, err := b.complete(ctx, v, nodePrograms)
	return found.nodeBinaries(), err
}

func (b Builder) complete(ctx context.Context, v appbur.KubeVersion, wanted []Program) (paths, error) {
	found, missing, err := b.Store.survey(ctx, v, wanted)
	if err != nil || len(missing) == 0 {
		return found, err
	}
	dir := b.Store.VersionDir(v)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("build Kubernetes %s: %w", v, err)
	}
	unlock, err := lock(ctx, dir, func() {
		b.report(Progress{Version: v, Program: missing[0].program, Phase: Waiting})
	})
	if err != nil {
		return nil, fmt.Errorf("build Kubernetes %s: %w", v, err)
	}
	defer unlock()

	// Whoever held the lock may have built what was missing.
	found, missing, err = b.Store.survey(ctx, v, wanted)
	if err != nil {
		return nil, err
	}
	for _, r := range missing {
		path := filepath.Join(dir, string(r.program))
		if b.share(r, path) {
			found[r.program] = path
			continue
		}
		if err := b.build(ctx, v, r, path); err != nil {
			return nil, fmt.Errorf("build %s of Kubernetes %s: %w", r.program, v, err)
		}
		found[r.program] = path
	}
	return found, nil
}

// build makes one binary. The lock is held.
func (b Builder) build(ctx context.Context, v appbur.KubeVersion, r recipe, path string) error {
	target := mainPackages[r.program]
	t := &tracker{main: target, progress: Progress{Version: v, Program: r.program, Phase: Planning}}
	b.report(t.progress)

	list := append([]string{"list"}, r.flags...)
	list = append(list, "-deps", "-f", "{{if .Stale}}stale{{else}}fresh{{end}} {{.ImportPath}}", target)
	var packages bytes.Buffer
	if err := b.run(ctx, r.dir, t, &packages, list); err != nil {
		return err
	}
	t.plan(packages.String())

	t.progress.Phase = t.next()
	b.report(t.progress)
	partial := partialPath(path)
	// A build that was killed may have left one behind, and go build refuses to
	// overwrite a file that is not an executable.
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(partial) }()
	args := append([]string{"build"}, r.flags...)
	args = append(args, "-v", "-ldflags", r.ldflags, "-o", partial, target)
	if err := b.run(ctx, r.dir, t, nil, args); err != nil {
		return err
	}
	if err := b.install(partial, path, r.stamp); err != nil {
		return err
	}
	t.progress.Phase = Finished
	b.report(t.progress)
	return nil
}

// share links a binary that another version has from the same pins, as all have
// the same etcd, and reports whether there was one.
func (b Builder) share(r recipe, path string) bool {
	others, err := filepath.Glob(filepath.Join(b.Store.Dir, "*", string(r.program)))
	if err != nil {
		return false
	}
	for _, other := range others {
		if other == path || !upToDate(other, r.stamp) {
			continue
		}
		partial := partialPath(path)
		_ = os.RemoveAll(partial)
		// What was linked is still what the stamp says only if the stamp is still there.
		if os.Link(other, partial) == nil && upToDate(other, r.stamp) && b.install(partial, path, r.stamp) == nil {
			return true
		}
		_ = os.RemoveAll(partial)
	}
	return false
}

// partialPath is where a binary is made before it gets its name.
func partialPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial")
}

// install puts a complete binary and its stamp in place. In between there is no
// stamp: a crash then costs one link, never a binary that is taken for another.
func (b Builder) install(partial, path, stamp string) error {
	if err := os.RemoveAll(stampPath(path)); err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	pending := stampPath(path) + ".partial"
	if err := os.WriteFile(pending, []byte(stamp), 0o644); err != nil {
		return err
	}
	return os.Rename(pending, stampPath(path))
}

func (b Builder) report(p Progress) {
	if b.Report != nil {
		b.Report(p)
	}
}
