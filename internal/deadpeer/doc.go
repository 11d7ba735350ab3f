// Package deadpeer makes TCP connections that notice within half a minute that the other side is gone without a word: its
// machine lost power, a router or a firewall forgot the connection. Nothing says so; packets go unanswered, and a kernel
// as it comes waits for a quarter of an hour, or two hours where nothing is to be sent.
//
//	transport.DialContext = deadpeer.Dialer().DialContext
//	listener, err := deadpeer.ListenConfig().Listen(ctx, "tcp", address)
//
// It asks the other side's kernel, not its program: a server that thinks for minutes is not dead.
// It imports the standard library only.
package deadpeer
