// Package program is what the commands of both fleet versions share: flags, the
// HTTP API, the contract's server, and an orderly end.
package program
