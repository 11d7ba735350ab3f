// Package testcluster runs real Kubernetes control planes for tests and the
// demo: those of [github.com/appbur/appbur/internal/controlplane], with the
// programs that `make servers` builds.
//
// The usual way in for a test is [New]:
//
//	cluster := testcluster.New(t, "1.24.17")
//	client, err := dynamic.NewForConfig(cluster.RESTConfig())
//
// Programs call [Start] and [Cluster.Stop]. The binaries come from
// [github.com/appbur/appbur/internal/testcluster/kubebuild].
//
// # Promises
//
// Those of the control plane, and: the cluster of a test ends with it. When a
// test fails, the end of the logs is printed and the logs are kept.
//
// # Refusals
//
// New never skips: a missing server fails the test and names the make target
// that builds it. Binaries that were built from other pins than the present
// ones count as missing, as does a controller-manager that is not there.
package testcluster
