package verdicts

import (
	"cmp"
	"encoding/json"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/compat/schema"
	"github.com/appbur/appbur/pkg/manifest"
)

// Object is an object to judge, with its place where it has one.
type Object struct {
	ID      appbur.ObjectID
	Content map[string]any
	File    string
	Line    int
}

// Judged is what an object is for each of the releases, in their order.
type Judged struct {
	ID appbur.ObjectID
	// APIVersion is the one that the object is written in.
	APIVersion string
	File       string
	Line       int
	For        []compat.Verdict
}

// Judge gathers verdicts.
type Judge struct {
	source   appbur.KubeVersion
	releases []appbur.KubeVersion
	plain    []compat.Target

	mu          sync.Mutex
	definitions []map[string]any
	held        []Object
	judged      []Judged
}

// New judges objects of a source, whose release may be zero, for each of the releases.
func New(source appbur.KubeVersion, releases ...appbur.KubeVersion) *Judge {
	j := &Judge{source: source, releases: releases}
	for _, release := range releases {
		j.plain = append(j.plain, compat.WithSource(compat.TableTarget(release), source))
	}
	return j
}

// Add judges an object, or keeps it until all definitions are known. The content must not be changed afterwards.
func (j *Judge) Add(o Object) {
	if o.ID.Kind == "CustomResourceDefinition" && o.ID.Group == "apiextensions.k8s.io" {
		j.Define(o.Content)
	}
	if needsDefinitions(o.ID.GroupKind()) {
		j.mu.Lock()
		j.held = append(j.held, o)
		j.mu.Unlock()
		return
	}

	judged := judgeFor(o, o.Content, j.plain)
	j.mu.Lock()
	j.judged = append(j.judged, judged)
	j.mu.Unlock()
}

// Define takes a definition that is not judged itself.
func (j *Judge) Define(definition map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.definitions = append(j.definitions, definition)
}

// needsDefinitions is true for custom resources, and for what has rules about them.
func needsDefinitions(gk appbur.GroupKind) bool {
	return gk.Group == "admissionregistration.k8s.io" || len(compat.Versions(gk)) == 0
}

func judgeFor(o Object, content map[string]any, targets []compat.Target) Judged {
	judged := Judged{ID: o.ID, File: o.File, Line: o.Line, For: make([]compat.Verdict, len(targets))}
	judged.APIVersion, _ = content["apiVersion"].(string)
	for i, target := range targets {
		judged.For[i] = compat.Judge(content, target)
	}
	return judged
}

// Finish judges what was kept, and returns everything in a stable order. The status of an object may be kept apart from
// it: status returns it as JSON, or nil.
func (j *Judge) Finish(status func(appbur.ObjectID) json.RawMessage) []Judged {
	targets := j.Targets()
	var group sync.WaitGroup
	parts := slices.Chunk(j.held, len(j.held)/runtime.GOMAXPROCS(0)+1)
	for part := range parts {
		group.Go(func() {
			for _, o := range part {
				judged := judgeFor(o, withStatus(o, status), targets)
				j.mu.Lock()
				j.judged = append(j.judged, judged)
				j.mu.Unlock()
			}
		})
	}
	group.Wait()

	j.held = nil
	slices.SortFunc(j.judged, func(a, b Judged) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), a.ID.Compare(b.ID), strings.Compare(a.APIVersion, b.APIVersion),
		)
	})
	return j.judged
}

// Targets are clusters of the releases, each once the definitions are in it, in the form that it takes.
func (j *Judge) Targets() []compat.Target {
	targets := make([]compat.Target, len(j.plain))
	for i, plain := range j.plain {
		var crds []map[string]any
		for _, definition := range j.definitions {
			if converted, err := compat.Convert(definition, compat.Judge(definition, plain), plain); err == nil {
				crds = append(crds, converted)
			}
		}
		targets[i] = compat.WithSchemas(compat.WithCRDs(plain, crds), schema.New(crds, j.releases[i]))
	}
	return targets
}

// withStatus is a custom resource as its schema sees it. A status that cannot be read is left to who restores it.
func withStatus(o Object, status func(appbur.ObjectID) json.RawMessage) map[string]any {
	if status == nil {
		return o.Content
	}
	raw := status(o.ID)
	if raw == nil {
		return o.Content
	}
	decoded, err := manifest.Decode(slices.Concat([]byte(`{"status":`), raw, []byte(`}`)))
	if err != nil {
		return o.Content
	}
	whole := maps.Clone(o.Content)
	whole["status"] = decoded["status"]
	return whole
}
