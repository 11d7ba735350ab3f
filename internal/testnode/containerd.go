//go:build linux

package testnode

import (
	"path/filepath"
	"testing"
)

const (
	containerdSocket = "/run/containerd/containerd.sock"
	// pauseImage holds the network of each pod.
	pauseImage = "appbur.test/pause:1"
)

// containerdConfig has runc make containers in the cgroups that the kubelet chooses. A machine that withholds
// CAP_SYS_RESOURCE refuses to protect processes from being killed for want of memory, so that is restricted.
const containerdConfig = `version = 2
root = %[1]q
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = %[2]q
[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %[3]q
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = %[4]q
conf_dir = %[5]q
`

// cniConfig gives each pod an address and a cable to the node.
const cniConfig = `{
  "cniVersion": "0.4.0", "name": "pods",
  "plugins": [{"type": "ptp", "ipam": {"type": "host-local", "subnet": %q, "routes": [{"dst": "0.0.0.0/0"}]}}]
}
`

// startContainerd runs it and makes the image that each pod needs.
func (n *Node) startContainerd(t testing.TB) *server {
	t.Helper()
	config, networks := filepath.Join(n.dir, "containerd.toml"), filepath.Join(n.dir, "cni")
	write(t, filepath.Join(networks, "pods.conflist"), cniConfig, n.net.pods)
	write(t, config, containerdConfig, filepath.Join(n.dir, "containerd"), containerdSocket, pauseImage, n.tools.cni, networks)

	s := n.namespace.start(t, filepath.Join(n.tools.containerd, "containerd"), "--config", config)
	n.Eventually(t, "containerd answers", func() error { return n.ctr("version") })
	n.Import(t, NewImage(pauseImage).Program(t, "/bin/sleep").Command("/bin/sleep", "infinity"))
	return s
}
