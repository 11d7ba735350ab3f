package capture

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// Source reads a cluster. It is what is needed of [exporter.Exporter].
type Source interface {
	Capture(ctx context.Context, emit func(exporter.Type, manifest.Result) error) (appbur.Coverage, error)
	Absent(ctx context.Context, kinds []schema.GroupVersionKind, coverage appbur.Coverage) ([]exporter.Absence, error)
	Deprecations(ctx context.Context) (exporter.DeprecationEvidence, error)
}

// Writer takes what was read. It is what is needed of [repository.Writer].
type Writer interface {
	Put(result manifest.Result) error
	KeepOnly(gk appbur.GroupKind, present map[string]struct{}) error
	KindsBeside(coverage appbur.Coverage) ([]repository.SavedKind, error)
}

// Captured is what one pass over the cluster saw.
type Captured struct {
	// Coverage has an entry for each type that was to be read and for each kind whose
	// files stay without having been read.
	Coverage appbur.Coverage
	// Index holds what was taken out of the manifests.
	Index map[appbur.ObjectID]manifest.Entry
	// Evidence is what an upgrade will want to know of the cluster.
	Evidence appbur.Evidence
}

// Run hands every object of the cluster to the writer, and then deletes those
// that complete lists did not contain and of kinds that are proven to be gone. seen
// is called for each object that is to be saved, from several goroutines; it may be nil.
func Run(ctx context.Context, source Source, writer Writer, seen func()) (Captured, error) {
	p := pass{writer: writer, index: map[appbur.ObjectID]manifest.Entry{}, present: map[appbur.GroupKind]map[string]struct{}{}}
	coverage, err := source.Capture(ctx, func(_ exporter.Type, result manifest.Result) error {
		if seen != nil && result.Decision.Saved {
			seen()
		}
		return p.take(result)
	})
	if err != nil {
		return Captured{}, err
	}

	for _, t := range coverage.Types {
		if !t.Complete {
			continue
		}
		if err := writer.KeepOnly(t.GroupKind(), p.present[t.GroupKind()]); err != nil {
			return Captured{}, err
		}
	}

	if coverage, err = ForgetKinds(ctx, source, writer, coverage); err != nil {
		return Captured{}, err
	}
	evidence, err := p.evidence.gather(ctx, source)
	if err != nil {
		return Captured{}, err
	}
	return Captured{Coverage: coverage, Index: p.index, Evidence: evidence}, nil
}

// pass is one run.
type pass struct {
	writer   Writer
	evidence evidence

	mu      sync.Mutex
	index   map[appbur.ObjectID]manifest.Entry
	present map[appbur.GroupKind]map[string]struct{}
}

func (p *pass) take(result manifest.Result) error {
	id := result.Manifest.ID
	if !result.Decision.Saved && result.Failure == nil {
		// It may have been emitted before, as saved: a long list that had to be begun
		// again finds that an object was deleted in between. Its file is deleted with the others
		// that are not in the complete list.
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.index, id)
		delete(p.present[id.GroupKind()], id.Path())
		return nil
	}

	err := p.writer.Put(result)
	var one *appbur.ObjectError
	if err != nil && !errors.As(err, &one) {
		return err
	}
	if err == nil {
		p.evidence.see(result)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.index[id] = result.Entry
	}

	// An object that cannot be saved exists all the same: a file that it has stays.
	paths := p.present[id.GroupKind()]
	if paths == nil {
		paths = map[string]struct{}{}
		p.present[id.GroupKind()] = paths
	}
	paths[id.Path()] = struct{}{}
	return err
}
