package v3

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
	Tier         string    `json:"tier"` // premium, standard or basic
	ContactEmail string    `json:"contactEmail"`
	CreatedAt    time.Time `json:"createdAt"`
}

// Cluster is one registered cluster.
type Cluster struct {
	ID                string            `json:"id"`
	CustomerID        string            `json:"customerId"`
	Name              string            `json:"name"`
	KubernetesVersion string            `json:"kubernetesVersion"`
	Location          Location          `json:"location"`
	Status            Status            `json:"status"`
	Labels            map[string]string `json:"labels"`
	CreatedAt         time.Time         `json:"createdAt"`
}

// Status is how a cluster is.
type Status struct {
	Phase string `json:"phase"` // active or decommissioned
}

// Location is where a cluster runs.
type Location struct {
	Region string `json:"region"`
	Zone   string `json:"zone"`
}

// MaintenanceWindow is when a cluster may be worked on.
type MaintenanceWindow struct {
	ID        int64     `json:"id"`
	ClusterID string    `json:"clusterId"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	Reason    string    `json:"reason"`
	// ApprovedBy is who agreed to it, empty if nobody was asked.
	ApprovedBy string `json:"approvedBy"`
}

// Credential is how the service reaches a cluster. The API never returns it.
type Credential struct {
	ClusterID string `json:"clusterId"`
	Token     string `json:"token"`
}

var (
	identifier = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$`)
	tiers      = map[string]bool{"premium": true, "standard": true, "basic": true}
	phases     = map[string]bool{"active": true, "decommissioned": true}
)

func invalid(what string) error { return fmt.Errorf("%w: %s", web.ErrInvalid, what) }

func (c Customer) check() error {
	switch {
	case !identifier.MatchString(c.ID):
		return invalid("id: want lower-case letters, digits and dashes")
	case c.Name == "":
		return invalid("name is needed")
	case !tiers[c.Tier]:
		return invalid("tier: want premium, standard or basic")
	}
	return nil
}

func (c Cluster) check() error {
	switch {
	case !identifier.MatchString(c.ID):
		return invalid("id: want lower-case letters, digits and dashes")
	case c.Name == "" || c.KubernetesVersion == "" || c.Location.Region == "":
		return invalid("name, kubernetesVersion and location.region are needed")
	case !phases[c.Status.Phase]:
		return invalid("status.phase: want active or decommissioned")
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
