// Package python holds no Go but a test: an application in Python that implements
// the contract from its published text (proto/SPEC.md and proto/appbur) and
// nothing of the SDK.
//
// README.md says how to run it. The test, `go test -tags integration`, runs the
// conformance kit over it and holds its canonical form against the SDK's.
package python
