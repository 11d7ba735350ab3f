//go:build integration && linux

package audit_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/appbur/appbur/internal/audit/audittest"
	"github.com/appbur/appbur/internal/testrouter"
)

const (
	auditPort   = 9443
	metricsPort = 9420
)

// behindRouter is an API server, and a daemon behind a router that receives its audit events.
type behindRouter struct {
	*told
	router *testrouter.Router
	log    lockedText
}

// An API server that sends audit events vanishes without a packet: killed while a router drops what its connection sends in
// both directions; alive, with a router that forgot the connection; and altogether. It is noticed, told in the log and in
// metrics, and a new connection is taken in time. Nothing is lost that the API server has not lost itself.
func TestSourceThatVanishesIsNoticedAndReplaced(t *testing.T) {
	if !testrouter.InOwnNetwork(t) {
		return
	}
	b := newBehindRouter(t)
	b.knownOnce()

	died := time.Now()
	b.forgetConnections()
	b.cluster.KillAPIServer()
	if err := b.cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.write("after-the-end")
	b.within(died, "another API server is heard at once", func() bool { return b.knows("after-the-end") })
	t.Logf("measured: killed: replaced after %s, with the start of another API server", time.Since(died).Round(time.Second))

	forgot := time.Now()
	b.forgetConnections()
	b.write("forgotten")
	b.within(died, "the one that was killed is told", func() bool {
		return b.vanished() >= 1 && b.sample("audit_connections_lost_total") >= 1
	})
	t.Logf("measured: killed: noticed after %s", time.Since(died).Round(time.Second))
	b.within(forgot, "a connection that was forgotten is replaced", func() bool { return b.knows("forgotten") })
	t.Logf("measured: forgotten: replaced after %s", time.Since(forgot).Round(time.Second))
	b.within(forgot, "and told", func() bool { return b.vanished() >= 2 && b.sample("audit_connections_lost_total") >= 2 })

	unblock := b.router.Block(auditPort)
	b.within(time.Now(), "the last event is not of the next change", func() bool {
		last := b.sample("audit_last_event_timestamp_seconds")
		return time.Since(time.UnixMilli(int64(last*1000))) > 6*time.Second
	})
	b.write("in-silence")
	silent := time.Now()
	b.within(silent, "the silence is told", func() bool {
		return strings.Contains(b.log.String(), "no audit events come any more") && b.sample("audit_source_silent") == 1
	})
	t.Logf("measured: silent: noticed after %s", time.Since(silent).Round(time.Second))
	unblock()
	back := time.Now()
	b.within(back, "who wrote meanwhile is known", func() bool { return b.knows("in-silence") })
	b.within(back, "the silence has ended", func() bool {
		return strings.Contains(b.log.String(), "audit events come again") && b.sample("audit_source_silent") == 0
	})
	t.Logf("measured: silent: events come again %s after the way is open", time.Since(back).Round(time.Second))
	if dropped := b.dropped(); dropped != "" {
		t.Errorf("the API server says that it dropped events: %s", dropped)
	}
}

func newBehindRouter(t *testing.T) *behindRouter {
	t.Helper()
	b := &behindRouter{router: testrouter.New(t)}
	files := audittest.NewFiles(t, "../../deploy/audit", testrouter.ClientAddress, strconv.Itoa(auditPort))
	b.told = newTold(t, &b.log, files.Sends()...)
	listen := func(port int) string { return net.JoinHostPort(testrouter.ClientAddress, strconv.Itoa(port)) }
	daemon := b.router.Command(b.binary, append([]string{
		"run", "--repo", b.repo, "--keys", b.keys, "--kubeconfig", b.kubeconfig(), "--quiet", "300ms", "--limit", "5s",
		"--listen", listen(metricsPort),
	}, files.Receives(listen(auditPort))...)...)
	daemon.Stdout, daemon.Stderr = &b.log, &b.log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		if err := daemon.Wait(); err != nil {
			t.Errorf("the daemon: %v", err)
		}
		if t.Failed() {
			t.Log(b.log.String())
		}
	})
	b.within(time.Now(), "it watches", func() bool { return strings.Contains(b.log.String(), "msg=watching") })
	return b
}

// kubeconfig leads to the API server through the router. Its connections are not those that vanish.
func (b *behindRouter) kubeconfig() string {
	b.Helper()
	config := b.cluster.RESTConfig()
	host := strings.TrimPrefix(config.Host, "https://")
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{
		Server: "https://" + b.router.Relay(b.T, host).Address, TLSServerName: "127.0.0.1", CertificateAuthorityData: config.CAData,
	}
	file.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "admin"}
	file.CurrentContext = "c"
	path := filepath.Join(b.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		b.Fatal(err)
	}
	return path
}

// forgetConnections has the router drop what the connections over which events come now send, in both directions.
func (b *behindRouter) forgetConnections() {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "ss", "-Htn", "state", "established", "dst", testrouter.ClientAddress,
		"dport", "=", fmt.Sprint(":", auditPort)).Output()
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // what waits to be received, to be sent, the own address, and the other
		_, port, err := net.SplitHostPort(fields[2])
		if err != nil {
			b.Fatalf("%s: %v", line, err)
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			b.Fatal(err)
		}
		b.router.Blackhole(number, auditPort)
		n++
	}
	if n == 0 {
		b.Fatal("no events come over any connection")
	}
}

// vanished is how often the log tells of a connection that vanished.
func (b *behindRouter) vanished() int {
	return strings.Count(b.log.String(), "who sends audit events vanished without a word")
}

// sample is a value of a metric, 0 if there is none.
func (b *behindRouter) sample(name string) float64 {
	b.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(fmt.Sprintf("http://%s:%d/metrics", testrouter.ClientAddress, metricsPort))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "appbur_"+name+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				b.Fatal(err)
			}
			return value
		}
	}
	return 0
}
