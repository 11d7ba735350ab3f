package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/manifestfiles"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// compatSource is where the objects are that are judged.
type compatSource struct {
	origin verdicts.Origin
	// name is the id of the point, the path, or the address of the cluster.
	name string
	// from is the release that they come from, zero if it is not known.
	from appbur.KubeVersion
	// read hands over the objects, in no particular order and from several goroutines, and returns what is known besides.
	read func(ctx context.Context, take func(verdicts.Object)) (besides, error)
}

// besides is what is known of a source besides its objects.
type besides struct {
	evidence appbur.Evidence
	index    map[appbur.ObjectID]manifest.Entry
	charts   []manifestfiles.Chart
}

// open finds the source that the command line names.
func (o *compatOptions) open(ctx context.Context, e *env) (compatSource, error) {
	switch {
	case o.live:
		return o.openLive(ctx, e)
	case o.what == "-":
		return compatSource{origin: verdicts.Manifests, name: "standard input", read: func(
			ctx context.Context, take func(verdicts.Object),
		) (besides, error) {
			r := manifestReader(take)
			found, err := r.Stream(ctx, "stdin", e.In)
			return o.manifestsRead(e, found, err)
		}}, nil
	case o.namesPath():
		path := filepath.Clean(o.what)
		return compatSource{origin: verdicts.Manifests, name: filepath.ToSlash(path), read: func(
			ctx context.Context, take func(verdicts.Object),
		) (besides, error) {
			r := manifestReader(take)
			found, err := r.Path(ctx, path)
			return o.manifestsRead(e, found, err)
		}}, nil
	default:
		return o.openPointObjects(e)
	}
}

// namesPath tells paths from points: what looks like a path is one, and without a repository what exists is.
func (o *compatOptions) namesPath() bool {
	if strings.ContainsAny(o.what, `/\`) || o.what == "." || o.what == ".." ||
		slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(o.what)) {
		return true
	}
	_, err := os.Stat(o.what)
	return o.repo == "" && err == nil
}

func manifestReader(take func(verdicts.Object)) *manifestfiles.Reader {
	return &manifestfiles.Reader{Take: func(m manifestfiles.Object) {
		take(verdicts.Object{ID: m.ID, Content: m.Content, File: m.File, Line: m.Line})
	}}
}

func (o *compatOptions) manifestsRead(e *env, found manifestfiles.Found, err error) (besides, error) {
	var faults manifestfiles.Errors
	switch {
	case errors.As(err, &faults):
		return besides{}, &usageError{appbur.WithHint(err, faults.Hint())}
	case errors.Is(err, os.ErrNotExist):
		return besides{}, &notFoundError{appbur.WithHint(err, "name a file or a directory with manifests, or a restore point such as latest")}
	case err != nil:
		return besides{}, err
	case found.Objects == 0 && len(found.Charts) == 0:
		return besides{}, &notFoundError{appbur.WithHint(errors.New("there are no Kubernetes objects in it"),
			"name a file or a directory with manifests: documents with apiVersion and kind")}
	}
	if found.Others > 0 {
		e.warn("%d documents are no Kubernetes objects, and were left out: they have no apiVersion or no kind", found.Others)
	}
	return besides{charts: found.Charts}, nil
}

// openPointObjects reads a restore point.
func (o *compatOptions) openPointObjects(e *env) (compatSource, error) {
	c, err := o.point(e, o.what)
	if err != nil {
		return compatSource{}, err
	}
	meta, err := c.repo.Describe(c.ref)
	if err != nil {
		return compatSource{}, err
	}
	return compatSource{origin: verdicts.Point, name: string(c.ref.ID), from: meta.Cluster.Version, read: func(
		ctx context.Context, take func(verdicts.Object),
	) (besides, error) {
		bar := e.bar("reading the restore point", "objects")
		defer bar.finish()
		loaded, err := c.repo.LoadEach(ctx, c.ref, nil, bar.setInts, func(object repository.Object) {
			take(verdicts.Object{ID: object.ID, Content: object.Content})
		})
		if err != nil {
			return besides{}, err
		}
		return besides{evidence: loaded.Evidence, index: loaded.Index}, nil
	}}, nil
}

// openLive reads a cluster as a backup does, by the rules of the repository if one is named.
func (o *compatOptions) openLive(ctx context.Context, e *env) (compatSource, error) {
	config, err := o.restConfig()
	if err != nil {
		return compatSource{}, err
	}
	rules, err := o.rules(e)
	if err != nil {
		return compatSource{}, err
	}
	source, err := exporter.New(config, rules, exporter.Options{Now: e.now})
	if err != nil {
		return compatSource{}, err
	}
	cluster, err := source.Cluster(ctx)
	if err != nil {
		return compatSource{}, err
	}

	return compatSource{origin: verdicts.Live, name: server(config), from: cluster.Version, read: func(
		ctx context.Context, take func(verdicts.Object),
	) (besides, error) {
		bar := e.bar("reading the cluster", progress.Uncounted)
		defer bar.finish()
		captured, err := capture.Run(ctx, source, nowhere{take}, nil)
		if err != nil {
			return besides{}, err
		}
		for _, t := range captured.Coverage.Types {
			if !t.Complete {
				e.warn("%s could not be read completely, so some of it was not judged: %s", t.GroupKind(), oneLine(t.Reason))
			}
		}
		for _, g := range captured.Coverage.Groups {
			e.warn("%s could not be read, and was not judged: %s", g.GroupVersion, oneLine(g.Reason))
		}
		return besides{evidence: captured.Evidence, index: captured.Index}, nil
	}}, nil
}

// nowhere takes what a capture reads, and saves nothing.
type nowhere struct{ take func(verdicts.Object) }

// Put implements [capture.Writer].
func (m nowhere) Put(result manifest.Result) error {
	content, err := manifest.Decode(result.Manifest.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", result.Manifest.ID, err)
	}
	m.take(verdicts.Object{ID: result.Manifest.ID, Content: content})
	return nil
}

// KeepOnly implements [capture.Writer].
func (nowhere) KeepOnly(appbur.GroupKind, map[string]struct{}) error { return nil }

// KindsBeside implements [capture.Writer].
func (nowhere) KindsBeside(appbur.Coverage) ([]repository.SavedKind, error) { return nil, nil }

// locked lets several goroutines hand over objects to something that takes one at a time.
func locked(mu *sync.Mutex, do func()) {
	mu.Lock()
	defer mu.Unlock()
	do()
}
