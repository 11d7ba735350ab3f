package exporter

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Warning is a remark that the API server made in the header of an answer: most
// often that the API which was read is deprecated.
type Warning struct {
	// Group, Version and Resource name the type that was being read.
	Group    string `json:"group"`
	Version  string `json:"version"`
	Resource string `json:"resource"`
	Text     string `json:"text"`
}

// mostWarnings bounds how many different warnings are remembered, because webhooks
// may put anything into them.
const mostWarnings = 1000

// warnings collects warning headers, each once.
type warnings struct {
	mutex sync.Mutex
	seen  map[Warning]struct{}
}

func newWarnings() *warnings { return &warnings{seen: make(map[Warning]struct{})} }

// typeKey is the context key of the type that a request reads.
type typeKey struct{}

func withType(ctx context.Context, t Type) context.Context {
	return context.WithValue(ctx, typeKey{}, t.GroupVersionResource)
}

// typeOf returns the type that a request reads, zero for discovery and the like.
func typeOf(ctx context.Context) schema.GroupVersionResource {
	gvr, _ := ctx.Value(typeKey{}).(schema.GroupVersionResource)
	return gvr
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warnings) HandleWarningHeaderWithContext(ctx context.Context, code int, _, text string) {
	const miscellaneousPersistent = 299 // RFC 7234, 5.5; the only code that Kubernetes uses
	if code != miscellaneousPersistent || text == "" {
		return
	}
	gvr := typeOf(ctx)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.seen) < mostWarnings {
		w.seen[Warning{gvr.Group, gvr.Version, gvr.Resource, shortLine(text)}] = struct{}{}
	}
}

// sorted returns the warnings seen so far.
func (w *warnings) sorted() []Warning {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.SortedFunc(maps.Keys(w.seen), func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Text, b.Text))
	})
}
