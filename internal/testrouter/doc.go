// Package testrouter puts a router between a client and servers, in network namespaces of a test's own, and has peers
// vanish without a packet: the router drops what a connection sends in both directions, and then its far end dies.
//
//	if !testrouter.InOwnNetwork(t) {
//		return // the test runs in a child
//	}
//	router := testrouter.New(t)
//	far := router.Relay(t, server.Listener.Addr().String())
//	client := router.Command("appbur", "run", …) // reaches far.Address, through the router
//	far.Vanish()                                // new connections work: another machine has taken over
//
// Nothing of the machine's own network is touched. Where namespaces are not allowed the test fails.
package testrouter
