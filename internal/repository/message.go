package repository

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Trailers of commits and tags, for `git log --format='%(trailers:key=…)'`.
const (
	trailerCluster    = "Appbur-Cluster"
	trailerKubernetes = "Appbur-Kubernetes"
	trailerRules      = "Appbur-Rules"
	trailerObjects    = "Appbur-Objects"
	trailerCoverage   = "Appbur-Coverage"
	trailerOverride   = "Appbur-Override"
	trailerActor      = "Appbur-Actor-Source"
	trailerRotation   = "Appbur-Rotation"
	// Who took part in a change, "Name <address>" as git writes people, and the audit events that say so.
	trailerNamed        = "Appbur-Actor"
	trailerImpersonated = "Appbur-Impersonated"
	trailerAuditID      = "Appbur-Audit-Id"
	trailerActorsLeft   = "Appbur-Actors-Left-Out"
	trailerEventsLeft   = "Appbur-Audit-Ids-Left-Out"
)

// listedChanges bounds the list of objects in a commit's body; git itself has
// the complete list.
const listedChanges = 40

// changes are the paths of manifests that a commit adds, changes and removes.
type changes struct {
	added, changed, removed []string
	// hollow are those of changed that lost most of their content.
	hollow []string
}

func (c *changes) count() int { return len(c.added) + len(c.changed) + len(c.removed) }

// subject says in at most 72 characters what a commit does.
func (c *changes) subject() string {
	switch {
	case c.count() == 0:
		return "Update what is known of the cluster"
	case c.count() == 1:
		for verb, paths := range map[string][]string{"Add": c.added, "Change": c.changed, "Remove": c.removed} {
			if len(paths) == 1 {
				return shorten(verb+" "+displayPath(paths[0]), 72)
			}
		}
	}

	var parts []string
	for _, part := range []struct {
		paths []string
		verb  string
	}{{c.added, "added"}, {c.changed, "changed"}, {c.removed, "removed"}} {
		if len(part.paths) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", len(part.paths), part.verb))
		}
	}

	return "Objects: " + strings.Join(parts, ", ")
}

func (c *changes) body() string {
	var lines []string
	for _, part := range []struct {
		mark  string
		paths []string
	}{{"+", c.added}, {"~", c.changed}, {"-", c.removed}} {
		for _, p := range slices.Sorted(slices.Values(part.paths)) {
			lines = append(lines, part.mark+" "+displayPath(p))
		}
	}
	if extra := len(lines) - listedChanges; extra > 0 {
		lines = append(lines[:listedChanges], fmt.Sprintf("… and %d more", extra))
	}
	return strings.Join(lines, "\n")
}

// displayPath shortens a path to what a person reads: "deployment.apps team-a/web".
func displayPath(path string) string {
	parts := strings.Split(strings.TrimSuffix(path, ".yaml"), "/")
	switch parts[0] {
	case appbur.ClusterDir:
		return strings.Join(parts[1:], " ")
	case appbur.NamespacesDir:
		return parts[2] + " " + parts[1] + "/" + parts[3]
	default:
		return path
	}
}

func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}

// describeCoverage is the value of the coverage trailer.
func describeCoverage(c appbur.Coverage) string {
	if c.Complete() {
		return fmt.Sprintf("complete (%d types)", len(c.Types))
	}
	failed := 0
	for _, g := range c.Groups {
		if !g.Virtual {
			failed++
		}
	}
	for _, t := range c.Types {
		if !t.Whole() {
			failed++
		}
	}
	return fmt.Sprintf("partial (%d types, %d failed)", len(c.Types), failed)
}

func trailers(cluster appbur.Cluster, rules string, coverage appbur.Coverage, overrides []string) []gitsync.Trailer {
	list := []gitsync.Trailer{
		{Key: trailerCluster, Value: cluster.ID},
		{Key: trailerKubernetes, Value: cluster.Version.String()},
		{Key: trailerRules, Value: rules},
		{Key: trailerCoverage, Value: describeCoverage(coverage)},
	}
	return append(list, overrideTrailers(overrides...)...)
}

// overrideTrailers record what a user overruled; empty texts are nothing.
func overrideTrailers(overrides ...string) []gitsync.Trailer {
	var list []gitsync.Trailer
	for _, o := range overrides {
		if o != "" {
			list = append(list, gitsync.Trailer{Key: trailerOverride, Value: o})
		}
	}
	return list
}
