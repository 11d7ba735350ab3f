// Package crash kills writers of a repository and looks at what they leave. It holds
// tests only: `go test -tags integration ./internal/crash`.
//
// A child process, the test binary itself, works on a real repository: it commits,
// makes and deletes restore points, pushes, writes anchors, changes keys, packs objects
// together. It says
// when it begins a step and when the step is done, and is killed with SIGKILL at a
// moment that no test chose. Then the repository must be sound for git and for appbur,
// everything that was said to be done must be there and have its digests, and the
// next child must be able to go on with what it finds.
//
// Steps are a table; an operation is put under this test by adding a line to it.
//
// What is killed here is a process. What a machine that loses its power forgets,
// beyond what was synced, this test does not show.
package crash
