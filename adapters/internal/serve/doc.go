// Package serve is the program around a database adapter: it reads flags and the
// configuration, opens the adapter, serves the contract until a signal comes, and
// turns errors into a message and an exit code. Each adapter's main hands its
// Open to [Main].
package serve
