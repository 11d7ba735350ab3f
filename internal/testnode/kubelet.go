//go:build linux

package testnode

import (
	"path/filepath"
	"testing"
)

// kubeletConfig takes who may ask from the API server. It evicts nothing and removes no image because the disk of this
// machine is full, and leaves alone the cgroups above those of its pods.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %[1]q}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://%[2]s
cgroupDriver: cgroupfs
cgroupRoot: %[3]q
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
evictionHard: {memory.available: 0%%, nodefs.available: 0%%, nodefs.inodesFree: 0%%, imagefs.available: 0%%, imagefs.inodesFree: 0%%}
imageGCHighThresholdPercent: 100
resolvConf: %[4]q
`

// proxyConfig does not touch limits of connection tracking, which are the machine's.
const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: %[1]q}
clusterCIDR: %[2]q
hostnameOverride: %[3]q
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`

// startKubelet runs it as the user that it is for the Node authorizer.
func (n *Node) startKubelet(t testing.TB) *server {
	t.Helper()
	config, names := filepath.Join(n.dir, "kubelet.yaml"), filepath.Join(n.dir, "resolv.conf")
	write(t, names, "nameserver 127.0.0.1\n") // refuses at once
	write(t, config, kubeletConfig, n.Cluster.CAFile(), containerdSocket, n.cgroup.path(), names)
	return n.namespace.start(t, n.programs.Kubelet,
		"--config="+config, "--kubeconfig="+n.kubeconfig(t, "kubelet", "system:node:"+n.Name, "system:nodes"),
		"--hostname-override="+n.Name, "--node-ip="+n.net.node)
}

// startProxy runs what leads from the addresses of Services to pods.
func (n *Node) startProxy(t testing.TB) *server {
	t.Helper()
	config := filepath.Join(n.dir, "kube-proxy.yaml")
	write(t, config, proxyConfig, n.kubeconfig(t, "kube-proxy", "system:kube-proxy"), n.net.pods, n.Name)
	return n.namespace.start(t, n.programs.KubeProxy, "--config="+config)
}

// startScheduler runs it without a port: nobody asks it.
func (n *Node) startScheduler(t testing.TB) *server {
	t.Helper()
	return n.namespace.start(t, n.programs.Scheduler,
		"--kubeconfig="+n.kubeconfig(t, "kube-scheduler", "system:kube-scheduler"), "--leader-elect=false", "--secure-port=0")
}

// kubeconfig is one of a component, in the directory of the node.
func (n *Node) kubeconfig(t testing.TB, component, user string, groups ...string) string {
	t.Helper()
	path, err := n.Cluster.KubeconfigOf(filepath.Join(filepath.Base(n.dir), component+".kubeconfig"), user, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
