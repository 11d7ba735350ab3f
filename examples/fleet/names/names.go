// Package names makes up the same believable companies and clusters from the same
// seed, every time and without a network, for both versions of fleet.
package names

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Cluster is a made-up cluster with its customer, in no version's words.
type Cluster struct {
	Customer          Customer
	ID, Name          string
	KubernetesVersion string
	Region, Zone      string
	Notes             string
	Labels            map[string]string
	Created           time.Time
	Token             string
	// Maintenance is the start of a two-hour window, or zero.
	Maintenance time.Time
	Reason      string
}

// Customer is a made-up company.
type Customer struct {
	ID, Name, Email string
	// Rank is 0 for the best tier, then 1, then 2.
	Rank    int
	Created time.Time
}

var (
	first = []string{
		"Alder", "Borealis", "Cobalt", "Drift", "Ember", "Fjord", "Granite", "Harbor", "Isthmus", "Juniper", "Kestrel", "Lumen",
		"Meridian", "Nimbus", "Orchard", "Pinnacle",
	}
	second = []string{
		"Analytics", "Bank", "Foods", "Freight", "Games", "Health", "Insurance", "Logistics", "Media", "Mobility", "Robotics",
		"Telecom",
	}
	regions = []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-southeast-2"}
	stages  = []string{"prod", "staging", "dev", "edge"}
	notes   = []string{
		"", "moved from the old data centre", "ask before upgrading: nightly batch at 02:00",
		"peering with \"core\"\nsee ticket 4711", "Überwachung durch Team Süd 🦉",
	}
	reasons = []string{"node image update", "control plane upgrade", "certificate rotation", "storage migration"}
)

// epoch is when the made-up history begins.
var epoch = time.Date(2025, time.March, 3, 9, 0, 0, 0, time.UTC)

// Clusters makes up n clusters of about n/3 customers. Growing n adds clusters and
// leaves those before as they are.
func Clusters(n int) []Cluster {
	random := rand.New(rand.NewPCG(2026, 11))
	var (
		all      []Cluster
		customer Customer
	)
	at := epoch

	for i := range n {
		at = at.Add(time.Duration(1+random.IntN(72))*time.Hour + time.Duration(random.IntN(3600))*time.Second)
		if i%3 == 0 {
			customer = newCustomer(random, i/3, at)
		}
		region := regions[random.IntN(len(regions))]
		c := Cluster{
			Customer: customer, Name: stages[i%3] + "-" + region, Region: region, Zone: region + string(rune('a'+random.IntN(3))),
			KubernetesVersion: fmt.Sprintf("1.%d.%d", 24+random.IntN(6), random.IntN(15)),
			Notes:             notes[random.IntN(len(notes))],
			Labels:            map[string]string{"stage": stages[i%3], "owner": fmt.Sprintf("team-%d", 1+random.IntN(9))},
			Created:           at, Token: fmt.Sprintf("made-up-%016x", random.Uint64()),
		}
		c.ID = customer.ID + "-" + c.Name
		if random.IntN(2) == 0 {
			c.Maintenance = at.AddDate(0, 6, random.IntN(60)).Truncate(time.Hour)
			c.Reason = reasons[random.IntN(len(reasons))]
		}
		all = append(all, c)
	}

	return all
}

func newCustomer(random *rand.Rand, i int, at time.Time) Customer {
	a, b := first[i%len(first)], second[(i/len(first)+random.IntN(3)*4)%len(second)]
	id := fmt.Sprintf("c%04d", i+1)
	return Customer{
		ID: id, Name: a + " " + b, Rank: random.IntN(3), Created: at,
		Email: fmt.Sprintf("platform@%s-%s.example", lower(a), lower(b)),
	}
}

func lower(s string) string { return string(s[0]|0x20) + s[1:] }
