// Package transport speaks Git's smart protocol, version 0, with a server: over HTTP, over
// SSH, or with the git program for a directory on this machine.
//
// The usual way in is Dial, which returns a Session after the server has listed its refs.
// Session.Push moves refs and sends a pack; Session.Fetch requests objects and returns the
// stream of a pack. What is in a pack is the caller's matter.
//
// It promises that a peer that is silent for too long ends the session, that every error
// is an Error with a State that is decided in one place (servermessages.go), and that
// credentials are in no error and no output. It refuses servers without a known key or a
// trusted certificate, redirects to other machines, and HTTP without TLS unless the caller
// accepts it.
//
// The protocol is that of git: gitprotocol-pack, gitprotocol-http, gitprotocol-common.
package transport
