// Package controlplane starts and stops throwaway Kubernetes control planes:
// etcd, kube-apiserver and kube-controller-manager of a given version, on free
// loopback ports, with nothing left behind. What is restored into one, or asked
// of one, is asked of the real API server.
//
// The usual way in is [binaries.Places.Find], which finds the programs, and [Start]:
//
//	found, err := binaries.Places{"/opt/kube"}.Find(ctx, "1.37")
//	cluster, err := controlplane.Start(ctx, controlplane.Options{Version: found.Version, Binaries: found.Binaries})
//	defer cluster.Stop()
//	client, err := dynamic.NewForConfig(cluster.RESTConfig())
//
// Tests have internal/testcluster, which wraps this package.
//
// What such a cluster is: the API, admission, RBAC, storage and all controllers
// of the controller-manager, the garbage collector among them. What it is not:
// there are no nodes, no scheduler and no kubelet, so pods stay pending; and
// Services have addresses that nothing answers. Without a controller-manager,
// which the binaries of envtest lack, there are no controllers either: nothing
// collects garbage, no namespace ends, and none gets its default ServiceAccount.
// [Cluster.HasControllers] says so, for its caller to tell.
//
// # Promises
//
//   - A cluster that Start returns is ready: /readyz is ok, the server's version
//     is the wanted one, and the controller-manager, where there is one, has made
//     the default ServiceAccount and kube-root-ca.crt of namespace default.
//   - The certificate of the API server is signed by a generated authority, so
//     that the kubeconfig and kube-root-ca.crt mean what they mean elsewhere.
//   - No process outlives its starter: Stop ends them, and when the process that
//     started them dies without a chance to act, SIGKILL included, the Linux
//     kernel ends them. Elsewhere only Stop does. The directory that a killed
//     process leaves is removed by the next start in the same parent directory.
//   - Each process has its own process group, so Ctrl-C on a terminal reaches
//     the starter alone, which then stops the cluster in order.
//   - Logs are kept when a start fails, and the error has their end; otherwise
//     the directory of the cluster is removed.
//
// # Refusals
//
// Start never runs another version than the one asked for. Clusters are thrown
// away: etcd does not sync to disk, and the administrator's token is in a file
// that only the user who started it can read. It runs on Unix only.
package controlplane
