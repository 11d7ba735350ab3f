// Package v2 is release 2.0 of the fleet service: its records, its tables, its HTTP
// API and its datasets.
//
// Schema 2.0 of the clusters says "kubernetesVersion" instead of "k8s", puts the
// place into one object, "location", gives every cluster a "lifecycle", and has
// no free text any more. Schema 2.0 of the customers renames the tiers. The steps
// from 1.0 are in upcast.go, declared as data and never edited again.
package v2
