package repository

import (
	"github.com/appbur/appbur/pkg/gitsync"
)

// Provenance is what the trailers of a commit say about where its content comes
// from. A commit that somebody made by hand has none.
type Provenance struct {
	Cluster    string `json:"cluster,omitempty"`
	Kubernetes string `json:"kubernetesVersion,omitempty"`
	Rules      string `json:"rulesVersion,omitempty"`
	Coverage   string `json:"coverage,omitempty"`
	// ActorSource says how the author is known; "none" means that the author is
	// appbur, because no actor is proven.
	ActorSource string `json:"actorSource,omitempty"`
	// Overrides are the guards that were switched off.
	Overrides []string `json:"overrides,omitempty"`
	// Rotation says which keys were changed.
	Rotation string `json:"rotation,omitempty"`
}

// ProvenanceOf reads the trailers of a commit.
func ProvenanceOf(c gitsync.Commit) Provenance {
	var p Provenance
	for _, t := range c.Trailers {
		switch t.Key {
		case trailerCluster:
			p.Cluster = t.Value
		case trailerKubernetes:
			p.Kubernetes = t.Value
		case trailerRules:
			p.Rules = t.Value
		case trailerCoverage:
			p.Coverage = t.Value
		case trailerActor:
			p.ActorSource = t.Value
		case trailerOverride:
			p.Overrides = append(p.Overrides, t.Value)
		case trailerRotation:
			p.Rotation = t.Value
		}
	}

	return p
}
