// Package endpointslice leads a Service of Kubernetes to one process: to the one of several that leads.
//
//	writer, err := endpointslice.New(config, endpointslice.Options{Namespace: "appbur-system", Service: "appbur-audit", …})
//	writer.Hold(ctx, address) // until ctx ends
//
// A selector finds all replicas, and a Service sends every second connection to one that does not listen. A Service
// without a selector has the endpoints that somebody writes; here that is who leads.
//
// # Promises
//
//   - The EndpointSlice has one endpoint: whoever holds it last. It is looked at again and again, so that one that somebody
//     deletes or changes is right again within seconds.
//   - Before each write it is asked whether this process still leads, and a write replaces the version that was read. A
//     leader that was stopped and wakes up does not take the Service back.
//   - In the end the endpoint is taken out if it still is this process, so that who connects is refused at once.
package endpointslice
