//go:build linux

package testnode

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
)

// network is what a node and its pods are reached by: a cable from this machine to the node, and the pods behind it.
type network struct {
	link string // this machine's end of the cable, whose name claims the numbers
	host string // the address of this machine, where the API server listens
	node string // the address of the node
	pods string // the range of the pods

	services netip.Prefix // the range of the Services, to which kube-proxy on the node leads
}

// newNetwork takes numbers that no other node on this machine has.
func newNetwork(t testing.TB) network {
	t.Helper()
	var last []byte
	for range 20 {
		n := rand.IntN(256)
		net := network{
			link: fmt.Sprintf("appbur-node%d", n),
			host: fmt.Sprintf("10.213.%d.1", n), node: fmt.Sprintf("10.213.%d.2", n), pods: fmt.Sprintf("10.213.%d.128/25", n),
			services: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 214, byte(n), 0}), 24),
		}
		var err error
		if last, err = exec.Command("ip", "link", "add", net.link, "type", "veth", "peer", "name", net.link+"p").CombinedOutput(); err != nil {
			continue
		}

		t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", net.link).Run() }) // it is gone when the node's end is
		must(t, "ip", "address", "add", net.host+"/30", "dev", net.link)
		must(t, "ip", "link", "set", net.link, "up")
		return net
	}
	t.Fatalf("a network for pods: no free number; at last: %s", last)
	return network{}
}

// connect plugs the other end of the cable into the node.
func (n network) connect(t testing.TB, node *namespace) {
	t.Helper()
	must(t, "ip", "link", "set", n.link+"p", "netns", node.pid(), "name", "eth0")
	for _, line := range []string{
		"ip link set lo up",
		"ip address add " + n.node + "/30 dev eth0",
		"ip link set eth0 up",
		"ip route add default via " + n.host,
		"sysctl -q net.ipv4.ip_forward=1",
	} {
		must(t, node.enter(strings.Fields(line)...)...)
	}
	for _, behind := range []string{n.pods, n.services.String()} {
		must(t, "ip", "route", "add", behind, "via", n.node)
	}
}
