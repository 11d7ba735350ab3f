package testrouter

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childEnv says to a child of a test that its network is its own.
const childEnv = "APPBUR_TEST_OWN_NETWORK"

// InOwnNetwork runs the calling test again in a network namespace of its own. It returns true in the child.
func InOwnNetwork(t *testing.T) (child bool) {
	t.Helper()
	if os.Getenv(childEnv) != "" {
		run(t, "ip", "link", "set", "lo", "up")
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}

	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a network namespace of its own (as a plain user this needs a kernel that allows user namespaces): %v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the child did not run the test:\n%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "measured:") {
			t.Log(strings.TrimSpace(line))
		}
	}
	return false
}

// Router is between this network namespace, where the servers are, and that of a client.
type Router struct {
	t *testing.T
	// router and client are processes that hold the two namespaces.
	router, client *exec.Cmd
}

const (
	// FarAddress is where servers are reached.
	FarAddress = "10.77.2.2"
	// ClientAddress is where the client is.
	ClientAddress = "10.77.1.2"
)

// New makes the router and the network of the client. They end with the test.
func New(t *testing.T) *Router {
	t.Helper()
	r := &Router{t: t, router: hold(t), client: hold(t)}
	for _, line := range []struct {
		where *exec.Cmd // nil is here
		what  string
	}{
		{nil, "ip link add far type veth peer name near netns " + pid(r.router)},
		{nil, "ip addr add " + FarAddress + "/24 dev far"},
		{nil, "ip link set far up"},
		{r.router, "ip addr add 10.77.2.1/24 dev near"},
		{r.router, "ip link set near up"},
		{r.router, "ip link add out type veth peer name eth0 netns " + pid(r.client)},
		{r.router, "ip addr add 10.77.1.1/24 dev out"},
		{r.router, "ip link set out up"},
		{r.router, "sysctl net.ipv4.ip_forward=1"},
		{r.client, "ip link set lo up"},
		{r.client, "ip addr add " + ClientAddress + "/24 dev eth0"},
		{r.client, "ip link set eth0 up"},
		{r.client, "ip route add default via 10.77.1.1"},
		{nil, "ip route add 10.77.1.0/24 via 10.77.2.1"},
	} {
		words := strings.Fields(line.what)
		if line.where != nil {
			words = append(enter(line.where), words...)
		}
		run(t, words...)
	}
	return r
}

// Command runs a program in the network of the client.
func (r *Router) Command(name string, args ...string) *exec.Cmd {
	words := append(append(enter(r.client), name), args...)
	return exec.Command(words[0], words[1:]...)
}

// Blackhole drops what one connection between the client and a server sends, in both directions.
func (r *Router) Blackhole(clientPort, serverPort int) {
	r.t.Helper()
	for _, ports := range [][2]int{{clientPort, serverPort}, {serverPort, clientPort}} {
		rule := fmt.Sprintf("ip rule add ipproto tcp sport %d dport %d blackhole", ports[0], ports[1])
		run(r.t, append(enter(r.router), strings.Fields(rule)...)...)
	}
}

// Block drops all that goes to and from a port, also of new connections, until the returned function is called.
func (r *Router) Block(port int) (unblock func()) {
	r.t.Helper()
	each := func(what string) {
		for _, side := range []string{"sport", "dport"} {
			rule := fmt.Sprintf("ip rule %s ipproto tcp %s %d blackhole", what, side, port)
			run(r.t, append(enter(r.router), strings.Fields(rule)...)...)
		}
	}
	each("add")
	return func() { each("del") }
}

// hold starts a process that holds a network namespace.
func hold(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "3600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := cmd.Start(); err != nil {
		t.Fatalf("another network namespace: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func pid(c *exec.Cmd) string { return strconv.Itoa(c.Process.Pid) }

// enter are the words before a command that runs in the network of a process.
func enter(c *exec.Cmd) []string { return []string{"nsenter", "--net=/proc/" + pid(c) + "/ns/net"} }

func run(t *testing.T, words ...string) {
	t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}
