// Package testremote runs real Git servers on loopback for tests: git http-backend
// behind TLS, sshd, and a proxy that loses connections on purpose.
//
// Every server ends with its test. What is missing on the machine fails the test
// with the name of what brings it; nothing is skipped.
package testremote
