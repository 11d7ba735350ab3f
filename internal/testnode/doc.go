// Package testnode runs real pods for tests: a kubelet, containerd with runc and CNI, kube-proxy and kube-scheduler beside
// a control plane of [github.com/appbur/appbur/internal/testcluster].
//
//	node := testnode.New(t)
//	image := testnode.NewImage("example.test/tools:1").Program(t, "/bin/sh", "/bin/cat")
//	node.Import(t, image)
//	pod := node.Run(t, pod)                                      // waits until it is ready
//	out, errs, err := node.Exec(t, pod, "", stdin, "cat")        // as `kubectl exec -i` does
//	text := node.Logs(t, pod, "")
//
// What such a node is: pods with addresses of their own, which each other, the node and the test reach; Services with
// ClusterIPs that lead to them, for the test as well, kubernetes.default among them; volumes, probes, limits, logs and
// exec; the Node authorizer and NodeRestriction. What it is not: there is no DNS (hostAliases of a pod give names), no
// way to the outside, and no registry: images are made here ([NewImage]) or by `make image` ([Node.ImportTarball]), and
// pods use them with imagePullPolicy Never or IfNotPresent.
//
// # Promises
//
//   - Nodes run side by side, each in a network, a mount and a process namespace of its own. The paths that kubelets use
//     (/var/lib, /var/log, /run) are directories of the test there.
//   - Nothing is left behind: when the first process of the node's namespace ends, which it does with the test even if
//     that is killed, the kernel ends all others and takes mounts and networks away. Cgroups are removed by the test, or
//     by the next node's.
//   - No setting of the machine's kernel is changed.
//
// # Refusals
//
// New never skips. It needs root, runc, containerd, CNI's plugins and nft (hack/packages.sh), the programs of
// `make servers`, and a kernel that allows all that; what is missing fails the test by name.
package testnode
