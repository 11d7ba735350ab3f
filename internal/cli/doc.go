// Package cli is the command line. It joins the engines, which do not know one
// another, and is the only package that interacts with the user, reads the environment
// and decides exit codes.
//
// A command is one file with three parts: options, a constructor newX that turns
// a command line into options, and xRun, which does the work and has never heard
// of cobra. The usual way in is [Main]; [Run] is the same with everything passed
// in, for tests.
//
// # Promises
//
//   - Results go to standard output, everything else to standard error. A person
//     gets aligned and coloured tables, a pipe gets tabs and RFC 3339, --json gets
//     stable fields (docs/json.md).
//   - Every error has one line and, where there is one, a next step. Its type decides
//     the exit code, in one place (exit.go, exitrules.go; docs/exit-codes.md).
//   - What changes a cluster shows its plan and asks first. No user who cannot answer
//     is asked.
package cli
