// Package v1 is release 1.4 of the fleet service: its records, its tables, its
// HTTP API and its datasets. It is frozen: payloads that it wrote exist.
//
// Schema 1.0 of the clusters keeps the Kubernetes version in "k8s", the place in
// "region" and "zone", and free text in "legacyNotes". Package v2 has other words
// for the same things.
package v1
