// Package exec makes an application out of any pair of an export and an import
// command: a [contract.App] whose payloads are what commands print and read.
//
// [ParseConfig] reads the commands, [Open] makes the adapter, and it is handed to
// contract.NewServer; cmd/appbur-exec does exactly this. The directory examples
// holds configurations for known programs.
//
// The same commands may run elsewhere: [ParseProgram] reads those that run in a pod, and [OpenOn] takes the [Runner]
// that runs them.
//
// # Export
//
// A dataset's export command prints the payload, or writes it to the file that
// takes the place of {payload} among its arguments. Nothing is sent before the
// command has ended with success. Datasets with a key are rows, one JSON object per
// line; others are opaque. Lines that differ although the state does not, such as
// times, are taken out by strip, and an unstable order is made stable by sort.
//
// Every dataset is as consistent as its command. That several of them show one
// moment is for quiesce and release, commands that run around an export. A
// configuration with several datasets has them or says in as many words that each
// is taken as it is.
//
// # Import
//
// Payloads wait in files until the commit. Before it, the check command of each
// dataset may refuse; it must change nothing. At the commit the import commands
// run in the order of the datasets. A pair of commands is no transaction: others
// may see the state between two of them, and if the adapter dies there the import
// has to be made again. When a later command fails, the adapter imports again what
// the export commands gave before the first (rollback: restore-previous), or leaves
// it there (rollback: none); the error says which datasets hold what. For restore-previous
// the export command has to work on an application that is still empty, too.
//
// # What commands get
//
// An argument list without a shell, unless the configuration has one. PATH and the
// environment that the configuration names or sets, and nothing else but
// APPBUR_DATASET, APPBUR_SCHEMA and APPBUR_PAYLOAD (the file, where there is one). A
// directory, a time limit, and a process group of their own, which is ended as a
// whole when the call is cancelled or the time is over.
//
// # What is reported of failures
//
// How the command ended and the last of what it said. Datasets are sensitive
// unless the configuration says otherwise, and of commands that handle a
// sensitive one nothing of their output is reported or logged.
package exec
