package repository

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// Guards are the checks that keep good history from being replaced by a capture
// that went wrong in a way no error shows. Each can be switched off for one
// capture, in as many words; the commit records it.
type Guards struct {
	// AdoptCluster lets the repository go on with another cluster.
	AdoptCluster bool
	// AllowCollapse lets a capture remove most of what was saved.
	AllowCollapse bool
	// AcceptHistory goes on from a history that is not the one seen before.
	AcceptHistory bool
}

// Limits say when a capture removes suspiciously much. A rebuilt, still empty
// cluster and a kubeconfig that points at the wrong place both look like this
// (argocd-operator#205 lost its only good backup that way); an operator that lost
// its memory shows in one kind alone. A removal is suspicious when it exceeds both
// the share and the floor. Removing everything always is.
type Limits struct {
	// Share and Floor are of all saved objects.
	Share float64 `yaml:"share"`
	Floor int     `yaml:"floor"`
	// KindShare and KindFloor are of the objects of one kind.
	KindShare float64 `yaml:"kindShare"`
	KindFloor int     `yaml:"kindFloor"`
}

// DefaultLimits hold where appbur.yaml names none.
var DefaultLimits = Limits{Share: 0.5, Floor: 20, KindShare: 0.9, KindFloor: 20}

// UnmarshalYAML fills in the defaults of limits that are not named.
func (l *Limits) UnmarshalYAML(node *yaml.Node) error {
	type plain Limits
	limits := plain(DefaultLimits)
	for i := 0; i+1 < len(node.Content); i += 2 {
		// A decoder's strictness does not reach into a node that decodes itself.
		switch key := node.Content[i]; key.Value {
		case "share", "floor", "kindShare", "kindFloor":
		default:
			return fmt.Errorf("line %d: unknown limit %q: want share, floor, kindShare or kindFloor", key.Line, key.Value)
		}
	}
	if err := node.Decode(&limits); err != nil {
		return err
	}
	*l = Limits(limits)
	return nil
}

func (l *Limits) check() error {
	switch {
	case l == nil:
		return nil
	case l.Share <= 0 || l.Share > 1 || l.KindShare <= 0 || l.KindShare > 1:
		return errors.New("a share is more than 0 and at most 1")
	case l.Floor < 0 || l.KindFloor < 0:
		return errors.New("a floor is not negative")
	}
	return nil
}

// GuardError is a capture that a guard stopped. Nothing was written.
type GuardError struct{ Err error }

// Error implements error.
func (e *GuardError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *GuardError) Unwrap() error { return e.Err }

func (g Guards) checkCluster(known string, seen appbur.Cluster) error {
	if known == "" || known == seen.ID || g.AdoptCluster {
		return nil
	}
	return &GuardError{because(ReasonOtherCluster,
		fmt.Errorf("the repository holds the history of cluster %s, this is cluster %s", known, seen.ID))}
}

// checkCollapse looks at what a commit removes from the saved manifests.
func (g Guards) checkCollapse(limits Limits, saved map[string]struct{}, added int, removed []string) error {
	if g.AllowCollapse || len(removed) == 0 {
		return nil
	}
	if len(removed) == len(saved) && added == 0 {
		return collapse("all %d saved objects are gone from the cluster", len(saved))
	}
	if exceeds(len(removed), len(saved), limits.Share, limits.Floor) {
		return collapse("%d of %d saved objects are gone from the cluster", len(removed), len(saved))
	}

	if len(removed) <= limits.KindFloor {
		return nil
	}
	before, gone := map[string]int{}, map[string]int{}
	for path := range saved {
		before[leafOf(path)]++
	}
	for _, path := range removed {
		gone[leafOf(path)]++
	}

	for _, kind := range slices.Sorted(maps.Keys(gone)) {
		if exceeds(gone[kind], before[kind], limits.KindShare, limits.KindFloor) {
			return collapse("%d of %d saved objects of the kind %s are gone from the cluster", gone[kind], before[kind], kind)
		}
	}
	return nil
}

func exceeds(removed, before int, share float64, floor int) bool {
	return removed > floor && float64(removed) > share*float64(before)
}

func collapse(format string, args ...any) error {
	return &GuardError{because(ReasonCollapse, fmt.Errorf(format+"; nothing was written", args...))}
}

// limits are those that hold.
func (c Config) limits() Limits {
	if c.Guards != nil {
		return *c.Guards
	}
	return DefaultLimits
}
