// Package managementcluster fills an empty Kubernetes 1.24 cluster with what a
// real management cluster holds: operators with their rights and secrets,
// clusters as custom resources that own one another three levels deep, tenants
// with quotas, and the oddities that collect over the years.
//
// The objects are the YAML files in the directory manifests, numbered in the
// order in which they are loaded, each with a comment that says what it is
// for. They are written in the API versions that people used at the time:
// autoscaling/v2beta2, batch/v1beta1, policy/v1beta1, flowcontrol v1beta2,
// cluster.x-k8s.io/v1alpha4 and more. A newer cluster would refuse many of them,
// which is the point. Northwind, its teams and its addresses are invented.
//
// The usual way in is [Load]. Afterwards [Noise] does what a living cluster does
// all day without anybody changing anything, and [Change] does what people do.
// [Leaks] tells whether bytes contain a secret value of this cluster.
//
// # What differs from kubectl apply
//
//   - Owner references have no uid in the files; Load fills in those of the live
//     owners, as an operator would.
//   - The status in the files is written through the status subresource.
//   - Each file has a field manager, and those that stand for kubectl apply leave
//     the last-applied annotation behind, secret values included.
//   - One object is not a file: the inventory, a ConfigMap of about 900 KB.
//
// # Promises
//
// Load waits until the cluster has settled: types are served, volumes are bound,
// tokens are issued, controllers have seen what they control. Whoever reads the
// cluster afterwards twice reads the same twice. The content does not depend on
// time or chance. No admission webhook of this cluster blocks a request,
// and no pod ever runs: images and addresses lead nowhere.
package managementcluster
