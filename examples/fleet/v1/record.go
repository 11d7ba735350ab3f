package v1

import (
	"fmt"
	"regexp"
	"time"

	"github.com/appbur/appbur/examples/fleet/web"
)

// The records are written the same way in the HTTP API and in payloads.

// Customer owns clusters.
type Customer struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Tier         string    `json:"tier"` // gold, silver or bronze
	ContactEmail string    `json:"contactEmail"`
	CreatedAt    time.Time `json:"createdAt"`
}

// Cluster is one registered cluster.
type Cluster struct {
	ID          string            `json:"id"`
	CustomerID  string            `json:"customerId"`
	Name        string            `json:"name"`
	K8s         string            `json:"k8s"`
	Region      string            `json:"region"`
	Zone        string            `json:"zone"`
	LegacyNotes string            `json:"legacyNotes,omitempty"`
	Labels      map[string]string `json:"labels"`
	CreatedAt   time.Time         `json:"createdAt"`
}

// MaintenanceWindow is when a cluster may be worked on.
type MaintenanceWindow struct {
	ID        int64     `json:"id"`
	ClusterID string    `json:"clusterId"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	Reason    string    `json:"reason"`
}

// Credential is how the service reaches a cluster. The API never returns it.
type Credential struct {
	ClusterID string `json:"clusterId"`
	Token     string `json:"token"`
}

var (
	identifier = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$`)
	tiers      = map[string]bool{"gold": true, "silver": true, "bronze": true}
)

func invalid(what string) error { return fmt.Errorf("%w: %s", web.ErrInvalid, what) }

func (c Customer) check() error {
	switch {
	case !identifier.MatchString(c.ID):
		return invalid("id: want lower-case letters, digits and dashes")
	case c.Name == "":
		return invalid("name is needed")
	case !tiers[c.Tier]:
		return invalid("tier: want gold, silver or bronze")
	}
	return nil
}

func (c Cluster) check() error {
	switch {
	case !identifier.MatchString(c.ID):
		return invalid("id: want lower-case letters, digits and dashes")
	case c.Name == "" || c.K8s == "" || c.Region == "":
		return invalid("name, k8s and region are needed")
	}
	return nil
}

func (w MaintenanceWindow) check() error {
	switch {
	case w.StartsAt.IsZero() || !w.EndsAt.After(w.StartsAt):
		return invalid("endsAt must be after startsAt")
	case w.Reason == "":
		return invalid("reason is needed")
	}
	return nil
}
