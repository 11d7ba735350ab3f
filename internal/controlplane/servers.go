//go:build unix

package controlplane

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
)

const loopback = "127.0.0.1"

// serviceRange is where ClusterIPs come from, unless another one is chosen.
var serviceRange = netip.MustParsePrefix("10.96.0.0/16")

// serviceIP is the first address of the range, which the Service kubernetes in
// default gets.
func (c *Cluster) serviceIP() net.IP { return c.options.Services.Masked().Addr().Next().AsSlice() }

func (c *Cluster) etcdURL() string {
	return "http://" + net.JoinHostPort(loopback, strconv.Itoa(c.etcdPort))
}

func (c *Cluster) server() string {
	return "https://" + net.JoinHostPort(c.options.Address, strconv.Itoa(c.apiPort))
}

// etcdArgs run one etcd without peers. The peer port is any: no client calls it.
func (c *Cluster) etcdArgs() []string {
	return []string{
		"--name=default",
		"--data-dir=" + filepath.Join(c.Dir, "etcd"),
		"--listen-client-urls=" + c.etcdURL(),
		"--advertise-client-urls=" + c.etcdURL(),
		"--listen-peer-urls=http://" + loopback + ":0",
		"--initial-advertise-peer-urls=http://localhost:2380",
		"--initial-cluster=default=http://localhost:2380",
		"--unsafe-no-fsync", // the data need not survive the machine
		"--log-level=warn",
	}
}

// apiServerArgs keep every API, admission plugin and feature at the default of
// the version, so that one meets what a user's cluster serves.
func (c *Cluster) apiServerArgs() []string {
	args := []string{
		"--etcd-servers=" + c.etcdURL(),
		"--bind-address=" + c.options.Address,
		"--advertise-address=" + c.options.Address,
		fmt.Sprintf("--secure-port=%d", c.apiPort),
		"--tls-cert-file=" + c.creds.path(servingCertFile),
		"--tls-private-key-file=" + c.creds.path(servingKeyFile),
		"--client-ca-file=" + c.creds.path(caFile),
		"--token-auth-file=" + c.creds.path(tokenFile),
		"--allow-privileged=true",
		"--service-cluster-ip-range=" + c.options.Services.String(),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.creds.path(serviceAccountFile),
		"--service-account-signing-key-file=" + c.creds.path(serviceAccountFile),
	}

	if c.options.Address == loopback {
		// The default reconciler refuses to publish a loopback address.
		args = append(args, "--authorization-mode=RBAC", "--endpoint-reconciler-type=none")
	} else {
		// As kubeadm sets it up for nodes.
		args = append(args, "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
			"--kubelet-client-certificate="+c.creds.path(kubeletClientCertFile),
			"--kubelet-client-key="+c.creds.path(kubeletClientKeyFile),
			"--kubelet-preferred-address-types=InternalIP")
	}
	return append(args, c.options.APIServerArgs...)
}

// controllerManagerArgs run all controllers at once: with one replica there is
// no other instance to elect a leader among. It serves nothing.
func (c *Cluster) controllerManagerArgs() []string {
	args := []string{
		"--kubeconfig=" + c.Kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
		"--root-ca-file=" + c.creds.path(caFile),
		"--service-account-private-key-file=" + c.creds.path(serviceAccountFile),
		"--service-cluster-ip-range=" + c.options.Services.String(),
		"--use-service-account-credentials=true",
		// At the default of 20 requests a second most of a start is waiting, and
		// the garbage collector needs minutes for what takes seconds.
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	}
	return append(args, c.options.ControllerManagerArgs...)
}
