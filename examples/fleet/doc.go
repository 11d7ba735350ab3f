// Package fleet holds the tests of the fleet service: each release imports what those before
// it exported, and each fault of package broken is found. The service itself is in the
// packages below, one for each release.
package fleet
