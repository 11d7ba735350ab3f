// Package faultproxy is between a client and a real API server and makes
// things go wrong on purpose.
//
// A test starts a [Proxy] in front of a cluster of internal/testcluster, gives the
// client under test the proxy's [Proxy.RESTConfig], and scripts what goes wrong
// with [Proxy.Set]:
//
//	proxy := faultproxy.New(t, cluster.RESTConfig(), faultproxy.HTTP2)
//	proxy.Set(
//		faultproxy.Rule{Match: faultproxy.List("secrets"), Times: 2, Fault: faultproxy.TooManyRequests(1)},
//		faultproxy.Rule{Match: faultproxy.Discovery, Fault: faultproxy.LoseGroups("apps")},
//	)
//
// The test itself changes the cluster directly, not through the proxy, so that it
// knows what is true while the client is told something else.
//
// # Promises
//
//   - A request that no rule names reaches the server as it is, over HTTP/2 or
//     HTTP/1.1, watches included; credentials are passed on, so that users of
//     different rights can go through one proxy.
//   - The first rule that matches and is not used up decides, alone.
//   - A fault is what a client sees on a real network: an answer with a status, a
//     body that ends too early, a connection that is reset, a peer that says nothing.
//
// # Refusals
//
// The package is for tests. It keeps no answers and knows no types; the only
// answers that it reads are those of discovery, to leave something out of them.
package faultproxy
