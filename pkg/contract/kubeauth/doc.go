// Package kubeauth authenticates callers by their Kubernetes ServiceAccount tokens. It is
// apart from the package contract because most applications need nothing of
// Kubernetes.
//
// The usual way in is [New], whose result goes into contract.Options.Guard:
//
//	guard, err := kubeauth.New(kubeauth.Options{Config: config, App: "fleet", Namespace: "fleet-system", Now: time.Now})
//
// A caller shows a token that was issued for the audience [Audience], usually a
// projected volume:
//
//	serviceAccountToken: {audience: appbur/fleet, path: token}
//
// and needs the right to create the virtual resources exports or imports of the
// group appbur.dev, in the namespace of the application:
//
//	rules:
//	- {apiGroups: [appbur.dev], resources: [exports], resourceNames: [fleet], verbs: [create]}
//
// The application itself needs the role system:auth-delegator.
//
// # Promises
//
//   - A token for another audience, or for none, is refused: the API server must
//     name our audience in its answer, which one that does not know of audiences
//     does not.
//   - When the API server cannot be reached, every caller is refused.
//   - What was taken away works for 60 seconds at most: that long an answer that
//     accepted a caller is cached. Refusals are not remembered.
//   - Tokens are remembered as hashes only, and never printed.
package kubeauth
