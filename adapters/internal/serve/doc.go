// Package serve is the program around an adapter: it reads flags and the
// configuration, opens the adapter, serves the contract until a signal comes, and
// turns errors into a message and an exit code. Each adapter's main hands its
// [Parse] to [Main]; those of databases make one by [Tables].
package serve
