//go:build integration && linux

package cli

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/internal/testrouter"
)

// vanishLimit is within what a peer that vanished is noticed, told and replaced.
const vanishLimit = 45 * time.Second

// An API server and Git servers over HTTP and SSH vanish without a packet: a router drops what their connections send in
// both directions, and then the far ends die. Each is noticed, told in the log and in metrics, and replaced in time.
func TestPeersThatVanishAreNoticedAndReplaced(t *testing.T) {
	if !testrouter.InOwnNetwork(t) {
		return
	}
	s := &observedStory{story: newStory(t), cluster: testcluster.New(t, "1.37.1")}
	client, err := kubernetes.NewForConfig(s.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	router := testrouter.New(t)
	s.ok("init", s.repo, "--keys", s.keys)

	server, err := url.Parse(s.cluster.RESTConfig().Host)
	if err != nil {
		t.Fatal(err)
	}
	api := router.Relay(t, server.Host)
	overHTTP := vanishingHTTP(s, router)
	overSSH := vanishingSSH(s, router)
	s.create("before")
	s.runBehind(router, kubeconfigBehind(s, api.Address))
	s.becomes("the remotes are up to date", func(m map[string]float64) bool {
		return m["commits_total"] > 0 && m[`push_last_success_timestamp_seconds{remote="web"}`] > 0 &&
			m[`push_last_success_timestamp_seconds{remote="shell"}`] > 0 && m["api_server_up"] == 1
	})

	began := time.Now()
	if api.Vanish() == 0 {
		t.Fatal("there is no connection to the API server")
	}
	s.create("after-the-api-server")
	s.within(began, "it is told", func() bool {
		return strings.Contains(s.daemon.log(), "the API server vanished without a word; its connection is replaced")
	})
	s.within(began, "it is measured", func() bool { return s.samples()["api_server_connections_lost_total"] >= 1 })
	s.within(began, "it is replaced", func() bool {
		return s.tryGit("cat-file", "-t", "main:namespaces/default/configmap/after-the-api-server.yaml") != ""
	})
	s.within(began, "the new connection is told", func() bool {
		return strings.Contains(s.daemon.log(), "the API server answers on a new connection")
	})
	t.Logf("measured: API server: noticed and replaced after %s", time.Since(began).Round(time.Second))
	if n := strings.Count(s.daemon.log(), "vanished without a word"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, s.daemon.log())
	}

	for _, remote := range []struct {
		name  string
		relay *testrouter.Relay
		bare  string
	}{{"web", overHTTP.relay, overHTTP.bare}, {"shell", overSSH.relay, overSSH.bare}} {
		s.loseRemote(remote.name, remote.relay, remote.bare)
	}
	if code := s.daemon.stop(); code != ExitDone {
		t.Errorf("it ended with %d", code)
	}
}

// loseRemote has a Git server vanish in the middle of a push.
func (s *observedStory) loseRemote(name string, relay *testrouter.Relay, bare string) {
	s.Helper()
	object := "pushed-to-" + name
	silent := func() float64 { return s.samples()[`failures_total{operation="push",reason="silent"}`] }
	before := silent()
	relay.VanishAfter(100)
	s.create(object)
	s.eventually("it vanishes", func() bool { return relay.Vanished() > 0 })

	began := time.Now()
	s.within(began, name+" is told", func() bool {
		return strings.Contains(s.daemon.log(), `msg="a remote is not up to date" remote=`+name+" state=silent")
	})
	s.within(began, name+" is measured", func() bool { return silent() > before })
	s.within(began, name+" is replaced", func() bool {
		_, err := testremote.TryGit(bare, "cat-file", "-e", "main:namespaces/default/configmap/"+object+".yaml")
		return err == nil
	})
	s.within(began, name+" is measured as up to date", func() bool {
		return s.samples()[fmt.Sprintf(`push_failing_since_timestamp_seconds{remote=%q}`, name)] == 0
	})
	s.Logf("measured: Git server %s: noticed and replaced after %s", name, time.Since(began).Round(time.Second))
}

// within waits for a condition until the limit after a beginning.
func (s *observedStory) within(began time.Time, what string, done func() bool) {
	s.Helper()
	for !done() {
		if time.Since(began) > vanishLimit {
			s.Fatalf("%s: not within %s\n%s", what, vanishLimit, s.daemon.log())
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-s.Context().Done():
			s.Fatal(s.Context().Err())
		}
	}
}

// behind is a Git server behind a relay.
type behind struct {
	relay *testrouter.Relay
	bare  string
}

func vanishingHTTP(s *observedStory, router *testrouter.Router) behind {
	bare := testremote.Bare(s.T)
	server := testremote.HTTP(s.T, filepath.Dir(bare))
	relay := router.Relay(s.T, server.Listener.Addr().String())
	s.ok("remotes", "add", "web", "http://"+relay.Address+"/"+filepath.Base(bare), "--allow-plaintext", "--repo", s.repo, "--keys", s.keys)
	return behind{relay, bare}
}

func vanishingSSH(s *observedStory, router *testrouter.Router) behind {
	bare := testremote.Bare(s.T)
	server := testremote.SSH(s.T)
	relay := router.Relay(s.T, server.Address)
	credentials := s.TempDir()
	known, err := os.ReadFile(server.KnownHosts(s.T, relay.Address))
	if err != nil {
		s.Fatal(err)
	}
	for name, data := range map[string][]byte{"identity": server.ClientKey, "known_hosts": known} {
		if err := os.WriteFile(filepath.Join(credentials, name), data, 0o600); err != nil {
			s.Fatal(err)
		}
	}
	s.ok("remotes", "add", "shell", "ssh://"+server.User+"@"+relay.Address+bare, "--credentials", credentials, "--repo", s.repo,
		"--keys", s.keys)
	return behind{relay, bare}
}

// kubeconfigBehind leads to the cluster through a relay.
func kubeconfigBehind(s *observedStory, address string) string {
	config := s.cluster.RESTConfig()
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{
		Server: "https://" + address, TLSServerName: "127.0.0.1", CertificateAuthorityData: config.CAData,
	}
	file.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "admin"}
	file.CurrentContext = "c"
	path := filepath.Join(s.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		s.Fatal(err)
	}
	return path
}

// runBehind starts the daemon as a process in the network behind the router.
func (s *observedStory) runBehind(router *testrouter.Router, kubeconfig string) {
	s.address = testrouter.ClientAddress + ":" + strconv.Itoa(9420)
	process := router.Command(buildBinary(s.T), "run", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", kubeconfig,
		"--quiet", "300ms", "--limit", "5s", "--listen", s.address)
	r := &running{ended: make(chan int, 1), cancel: func() { _ = process.Process.Signal(syscall.SIGTERM) }}
	process.Stdout, process.Stderr = r, r
	if err := process.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		_ = process.Wait()
		r.ended <- process.ProcessState.ExitCode()
	}()
	s.Cleanup(func() {
		r.stop()
		if s.Failed() {
			s.Log(r.log())
		}
	})
	s.daemon = r
	s.eventually("it serves", func() bool { return servedAt.MatchString(r.log()) })
}
