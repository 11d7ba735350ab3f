package repository

import (
	"fmt"

	"github.com/appbur/appbur"
)

// Guards are the checks that keep good history from being replaced by a capture
// that went wrong in a way no error shows. Each can be switched off for one
// capture, in as many words.
type Guards struct {
	// AdoptCluster lets the repository go on with another cluster.
	AdoptCluster bool
	// AllowCollapse lets a capture remove most of what was saved.
	AllowCollapse bool
}

// A capture collapses when it removes more than collapseShare of all files and
// more than collapseFloor of them: a rebuilt, still empty cluster and a kubeconfig
// that points at the wrong place both look like this (argocd-operator#205 lost its
// only good backup that way).
const (
	collapseFloor = 20
	collapseShare = 0.5
)

// GuardError is a capture that a guard stopped. Nothing was written.
type GuardError struct{ err error }

// Error implements error.
func (e *GuardError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *GuardError) Unwrap() error { return e.err }

func (g Guards) checkCluster(known string, seen appbur.Cluster) error {
	if known == "" || known == seen.ID || g.AdoptCluster {
		return nil
	}
	return &GuardError{appbur.WithHint(
		fmt.Errorf("the repository holds the history of cluster %s, this is cluster %s", known, seen.ID),
		"use another repository, or pass --adopt-cluster if this cluster is the rebuilt successor")}
}

func (g Guards) checkCollapse(before, removed int) error {
	if g.AllowCollapse || removed <= collapseFloor || float64(removed) <= collapseShare*float64(before) {
		return nil
	}
	return &GuardError{appbur.WithHint(
		fmt.Errorf("%d of %d saved objects are gone from the cluster; nothing was written", removed, before),
		"check that this is the right cluster and that it is whole; pass --allow-collapse if the objects were deleted on purpose")}
}
