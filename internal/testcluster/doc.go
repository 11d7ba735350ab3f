// Package testcluster runs real Kubernetes control planes for tests and the
// demo: etcd, kube-apiserver and kube-controller-manager of a given version, on
// free loopback ports, with nothing left behind.
//
// The usual way in for a test is [New]:
//
//	cluster := testcluster.New(t, "1.24.17")
//	client, err := dynamic.NewForConfig(cluster.RESTConfig())
//
// Programs call [Start] and [Cluster.Stop]. The binaries come from
// [github.com/appbur/appbur/internal/testcluster/kubebuild]; `make servers`
// builds them.
//
// What such a cluster is: the API, admission, RBAC, storage and all controllers
// of the controller-manager, the garbage collector among them. What it is not:
// there are no nodes, no scheduler and no kubelet, so pods stay pending; and
// Services have addresses that nothing answers.
//
// # Promises
//
//   - A cluster that Start returns is ready: /readyz is ok, the server's version
//     is the wanted one, and the controller-manager has made the default
//     ServiceAccount and kube-root-ca.crt of namespace default.
//   - The certificate of the API server is signed by a generated authority, so
//     that the kubeconfig and kube-root-ca.crt mean what they mean elsewhere.
//   - No process outlives the test: Stop ends them, and when the process that
//     started them dies without a chance to act, SIGKILL included, the Linux
//     kernel ends them. Elsewhere only Stop does.
//   - Each process has its own process group, so Ctrl-C on a terminal reaches
//     the test or the demo alone, which then stops the cluster in order.
//   - Logs are kept, and their end is printed, when a start or a test fails;
//     otherwise the directory of the cluster is removed.
//
// # Refusals
//
// New never skips: a missing server fails the test and names the make target
// that builds it. Start never runs another version than the one asked for.
// Clusters are for tests: etcd does not sync to disk, and the administrator's
// token is in a file.
package testcluster
