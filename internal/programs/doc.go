// Package programs makes applications of programs that have no contract: of commands that run in a pod. It joins the
// declaration and the rules of adapters/exec, the pods of a cluster, and internal/podexec, and serves the contract for
// them within this process.
//
//	opener := programs.Opener{Config: func() (*rest.Config, error) { … }, Random: rand.Reader}
//	client, err := opener.Open(ctx, target, contract.DialOptions{}) // a target at commands:FILE
//	defer client.Close()
//
// # Promises
//
//   - One pod is chosen, and a client stays with it and with the container that ran in it. Only ready pods are.
//   - Pods of the application's own namespace are taken, and no others, whatever a declaration says.
//   - A declaration of a ConfigMap counts only in namespaces that were named for it.
//
// # Refusals
//
// The package writes nothing to the cluster but requests to run the declared commands.
package programs
