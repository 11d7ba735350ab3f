package repository

import (
	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Provenance is what the trailers of a commit say about where its content comes
// from. A commit that somebody made by hand has none.
type Provenance struct {
	Cluster    string `json:"cluster,omitempty"`
	Kubernetes string `json:"kubernetesVersion,omitempty"`
	Rules      string `json:"rulesVersion,omitempty"`
	Coverage   string `json:"coverage,omitempty"`
	// ActorSource says how the author is known: audit, field-managers, or unresolved, which means that the author is
	// appbur, because nobody is known to have made all of the change. Earlier commits say "none" for that.
	ActorSource string `json:"actorSource,omitempty"`
	// Actors are those who are known to have taken part, "name <address>" each, the author first if it is one of them.
	Actors []string `json:"actors,omitempty"`
	// ActedAs are the users whom they impersonated.
	ActedAs []string `json:"actedAs,omitempty"`
	// AuditIDs are the audit events that say so.
	AuditIDs []string `json:"auditIds,omitempty"`
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
		case trailerNamed:
			p.Actors = append(p.Actors, t.Value)
		case trailerImpersonated:
			p.ActedAs = append(p.ActedAs, t.Value)
		case trailerAuditID:
			p.AuditIDs = append(p.AuditIDs, t.Value)
		case trailerOverride:
			p.Overrides = append(p.Overrides, t.Value)
		case trailerRotation:
			p.Rotation = t.Value
		}
	}

	return p
}

// Resolved reports whether the author of a commit is known to have made all of it.
func (p Provenance) Resolved() bool {
	return p.ActorSource == string(actor.Audit) || p.ActorSource == string(actor.FieldManagers)
}
