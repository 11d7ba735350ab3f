// Package logfile follows the audit log of an API server (--audit-log-path, JSON lines) through rotation and restarts.
//
//	follower := logfile.New(intake, logfile.Options{Path: "/var/log/kubernetes/audit/audit.log", State: "…/audit.json"})
//	follower.Run(ctx) // until ctx ends
//
// It promises that each whole line is taken at least once while the file, or a backup of it, is there: rotation may
// rename the file (audit-TIME.log, audit.log.1), copy and truncate it, and compress what it has put aside (.gz). Its place
// is kept in a state file, with a digest of how the file begins, so that it is found again under another name; with
// Options.Again it is a place of some time ago, for takers that do not finish at once. Memory is bounded by
// the longest line. A line that is not finished waits; one that is damaged or too long is counted and skipped.
package logfile
