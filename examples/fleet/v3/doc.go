// Package v3 is release 3.0 of the fleet service: its records, its tables, its HTTP
// API and its datasets.
//
// Schema 3.0 of the clusters has the phase of a cluster in its "status", where release 2 had
// a "lifecycle", and calls retired clusters "decommissioned". Schema 1.1 of the
// maintenance windows says who approved one, "approvedBy", which older windows do not.
// The steps are in upcast.go, declared as data; that from 1.0 is the one of release 2,
// never edited again.
package v3
