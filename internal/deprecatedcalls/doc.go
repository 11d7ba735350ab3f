// Package deprecatedcalls reads in the audit log of an API server which clients still call API versions that a later
// release does not serve.
//
// The server marks each request to a deprecated version with the annotation k8s.io/deprecated, and with
// k8s.io/removed-release where the release that removes it is known. The metric of the server counts the same requests
// and names no client; an event of the log names the user and the program.
//
// [Read] takes the file that --audit-log-path makes, one JSON event in a line, or what a webhook received, a list of
// events. A line that is no event is counted and told, not passed over: the end of a file that is written while it is
// read is one. The package is pure but for the reader that it is given, and keeps one entry per client and API.
package deprecatedcalls
