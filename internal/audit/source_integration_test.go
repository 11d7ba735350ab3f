//go:build integration

package audit_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/audit/audittest"
	"github.com/appbur/appbur/internal/audit/logfile"
	"github.com/appbur/appbur/internal/audit/webhook"
	"github.com/appbur/appbur/internal/testcluster"
)

// source is one way in which events come.
type source struct {
	name   string
	ledger *audit.Ledger
	intake *audit.Intake
}

func newSource(name string) *source {
	ledger := audit.NewLedger(audit.Limits{}, time.Now)
	return &source{name: name, ledger: ledger, intake: audit.NewIntake(ledger, time.Now)}
}

// cluster has an API server that tells of what is written, to a webhook and in a log.
type cluster struct {
	*testing.T
	*testcluster.Cluster
	webhook, log *source
	options      webhook.Options
	address      string
	receiver     *webhook.Receiver
	ended        chan error
	admin        dynamic.Interface

	mu sync.Mutex // guards what follows
	// seen are the changes that the watches saw, in their order.
	seen []audit.Change
}

// users of the cluster. The last one may do nothing.
var users = []string{"alice", "bob", "mallory"}

func startCluster(t *testing.T, version string) *cluster {
	t.Helper()
	v, err := appbur.ParseKubeVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	servers, clients := audittest.NewAuthority(t), audittest.NewAuthority(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	certificate, key := servers.Issue(t, "appbur", "127.0.0.1")
	client, clientKey := clients.Issue(t, "kube-apiserver", "127.0.0.1")
	for name, text := range map[string][]byte{
		"tls.crt": certificate, "tls.key": key, "clients.crt": clients.PEM, "ca.crt": servers.PEM, "client.crt": client, "client.key": clientKey,
	} {
		if err := os.WriteFile(path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	c := &cluster{T: t, webhook: newSource("webhook"), log: newSource("log"), address: "127.0.0.1:0", options: webhook.Options{
		Certificate: path("tls.crt"), Key: path("tls.key"), ClientCA: path("clients.crt"), Names: []string{"kube-apiserver"},
	}}
	c.listen()
	t.Cleanup(c.silence)
	example, err := os.ReadFile("../../deploy/audit/webhook.kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := strings.NewReplacer("10.96.200.20:9443", c.address, "/etc/kubernetes/audit", dir).Replace(string(example))
	if err := os.WriteFile(path("webhook.kubeconfig"), []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	policy, err := filepath.Abs("../../deploy/audit/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}

	c.Cluster = testcluster.NewWith(t, testcluster.Options{Version: v, Users: users, APIServerArgs: []string{
		"--audit-policy-file=" + policy, "--audit-webhook-config-file=" + path("webhook.kubeconfig"), "--audit-webhook-batch-max-wait=200ms",
		"--audit-webhook-initial-backoff=100ms", "--audit-log-path=" + path("audit.log"), "--audit-log-maxsize=1", "--audit-log-compress",
	}})
	c.follow(path("audit.log"), path("state.json"))
	c.admin = c.as(c.RESTConfig(), "admin")
	return c
}

// follow follows the log of the API server, which it rotates at each megabyte.
func (c *cluster) follow(path, state string) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		logfile.New(c.log.intake, logfile.Options{Path: path, State: state, Every: 50 * time.Millisecond}).Run(ctx)
	})
	c.Cleanup(func() { stop(); running.Wait() })
}

// listen starts the receiver, at the same address as before.
func (c *cluster) listen() {
	c.Helper()
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		c.Fatal(err)
	}
	c.address = listener.Addr().String()
	c.receiver, c.ended = webhook.New(c.webhook.intake, c.options), make(chan error, 1)
	go func() { c.ended <- c.receiver.Serve(listener) }()
}

// silence ends the receiver.
func (c *cluster) silence() {
	if c.receiver == nil {
		return
	}
	c.receiver.Close()
	if err := <-c.ended; err != nil {
		c.Error(err)
	}
	c.receiver = nil
}

// as is a client of somebody, with a user agent, of which API servers make the field manager.
func (c *cluster) as(config *rest.Config, agent string) dynamic.Interface {
	c.Helper()
	config.UserAgent = agent + "/v1 (linux/amd64)"
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		c.Fatal(err)
	}
	return client
}

var (
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	secrets    = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// watch notes what happens to all objects of a type, as a daemon sees it.
func (c *cluster) watch(resource schema.GroupVersionResource, kind string) {
	c.Helper()
	list, err := c.admin.Resource(resource).List(c.Context(), metav1.ListOptions{Limit: 1})
	if err != nil {
		c.Fatal(err)
	}
	watch, err := c.admin.Resource(resource).Watch(c.Context(), metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		c.Fatal(err)
	}
	var running sync.WaitGroup
	previous := map[string]string{}
	running.Go(func() {
		for event := range watch.ResultChan() {
			object, ok := event.Object.(*unstructured.Unstructured)
			if !ok && c.Context().Err() == nil {
				c.Errorf("%s: %v", event.Type, event.Object)
			}
			if !ok {
				return
			}
			change := audit.Change{
				Event: string(event.Type), Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(), UID: string(object.GetUID()),
				ResourceVersion: object.GetResourceVersion(), Seen: time.Now(), PreviousResourceVersion: previous[string(object.GetUID())],
			}
			change.Tag, _, _ = unstructured.NestedString(object.Object, "data", "by")
			previous[change.UID] = change.ResourceVersion
			for _, m := range object.GetManagedFields() {
				manager := audit.Manager{Name: m.Manager, Operation: string(m.Operation), Subresource: m.Subresource}
				if m.Time != nil {
					manager.Time = m.Time.Time
				}
				change.Managers = append(change.Managers, manager)
			}
			c.mu.Lock()
			c.seen = append(c.seen, change)
			c.mu.Unlock()
			for _, s := range []*source{c.webhook, c.log} {
				s.ledger.Who(change)
			}
		}
	})
	c.Cleanup(func() { watch.Stop(); running.Wait() })
}

// changes are those that were seen so far.
func (c *cluster) changes() []audit.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]audit.Change(nil), c.seen...)
}

// await polls until something is so.
func (c *cluster) await(what string, so func() bool) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			c.Fatalf("in vain: %s; the webhook took %+v, the log %+v", what, c.webhook.intake.Taken(), c.log.intake.Taken())
		case <-ticker.C:
		}
	}
}

// metric is the sum of a metric of the API server.
func (c *cluster) metric(name, label string) (sum float64) {
	c.Helper()
	client, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		c.Fatal(err)
	}
	response, err := client.Get(c.Server() + "/metrics")
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, label) {
			continue
		}
		var value float64
		if _, err := fmt.Sscan(line[strings.LastIndex(line, "}")+1:], &value); err != nil {
			c.Fatal(err)
		}
		sum += value
	}
	return sum
}
