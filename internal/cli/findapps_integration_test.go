//go:build integration

package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// ordersShop is an application with the Service by which it is found.
const ordersShop = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: orders-ca, namespace: shop}, data: {ca.crt: %q}}
---
apiVersion: v1
kind: Service
metadata:
  name: db
  namespace: shop
  labels: {appbur.io/app: orders}
  annotations: {appbur.io/port: state, appbur.io/ca-configmap: orders-ca, appbur.io/server-name: orders.test}
spec: {selector: {app: db}, ports: [{name: sql, port: 5432}, {name: state, port: 7443, targetPort: contract}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db, ports: [{name: contract, containerPort: %d}]}]}
`

// orders is an application that runs on this machine, for the pods of a cluster.
type orders struct {
	state   *contracttest.Memory
	port    int
	ca      string
	present []string // the flags that show who calls
}

func serveOrders(t *testing.T) orders {
	dir := t.TempDir()
	certificate, key := writePair(t, dir, "orders.test")
	client, clientKey := writePair(t, dir, "client")
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	callers := x509.NewCertPool()
	pem, err := os.ReadFile(client)
	if err != nil || !callers.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate", err)
	}
	ca, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}

	o := orders{
		state: contracttest.NewMemory(map[string][]contract.Row{"orders": {contract.Row(`{"id":1}`), contract.Row(`{"id":2}`)}}),
		ca:    string(ca), present: []string{"--app-cert", client, "--app-key", clientKey},
	}
	address := serveApp(t, "0.0.0.0:0", o.state, contract.Options{
		ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{{Name: "orders", Schema: "1.0", Key: []string{"id"}, Clear: true}},
		TLS: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: callers, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
		},
	})
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(port, &o.port); err != nil {
		t.Fatal(err)
	}
	return o
}

// lose makes the state of the application another one.
func (o orders) lose(t *testing.T) {
	t.Helper()
	writing, err := o.state.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one := func(yield func(contract.Row, error) bool) { yield(contract.Row(`{"id":7}`), nil) }
	if err := errors.Join(writing.Replace(t.Context(), "orders", one), writing.Commit(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// has reports the ids of the rows.
func (o orders) has() string {
	var rows []string
	for _, row := range o.state.Rows("orders") {
		rows = append(rows, string(row))
	}
	return strings.Join(rows, "")
}

// ownAddress is an address of this machine that the endpoints of a cluster may have.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range all {
		if in, ok := address.(*net.IPNet); ok && in.IP.To4() != nil && in.IP.IsGlobalUnicast() {
			return in.IP.String()
		}
	}
	t.Fatal("this machine has no address but those of loopback, which no endpoint may have")
	return ""
}

// kubelet is a machine of a cluster: it takes each new pod of a namespace, gives it the address of
// this machine, and says that it is ready. Everything else is Kubernetes: a Deployment makes the
// pods, a controller the endpoints.
func kubelet(t *testing.T, client kubernetes.Interface, namespace string) {
	t.Helper()
	address := ownAddress(t)
	machine := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "machine"}}
	node, err := client.CoreV1().Nodes().Create(t.Context(), machine, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })

	run := func(what string, work func() error) {
		running.Go(func() {
			for ctx.Err() == nil {
				if err := work(); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) {
					t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	run("the heart", func() error { return beat(ctx, client, node.Name) })
	run("the pods", func() error {
		watch, err := client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		defer watch.Stop()
		for event := range watch.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok && pod.DeletionTimestamp == nil {
				if err := take(ctx, client, node.Name, pod, address); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// beat says that a machine is there, and again before a controller forgets that.
func beat(ctx context.Context, client kubernetes.Interface, name string) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now()}}
	if _, err := client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	select {
	case <-time.After(10 * time.Second):
	case <-ctx.Done():
	}
	return nil
}

// take binds a pod to a machine, and then starts it.
func take(ctx context.Context, client kubernetes.Interface, node string, pod *corev1.Pod, address string) error {
	switch {
	case pod.Spec.NodeName == "":
		return client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: node},
		}, metav1.CreateOptions{})
	case pod.Status.PodIP == "":
		return report(ctx, client, pod, address, true)
	}
	return nil
}

// report writes the status of a pod.
func report(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, address string, ready bool) error {
	pod.Status.PodIP, pod.Status.PodIPs = address, []corev1.PodIP{{IP: address}}
	pod.Status.Phase = corev1.PodRunning
	state := corev1.ConditionFalse
	if ready {
		state = corev1.ConditionTrue
	}
	pod.Status.Conditions = slices.DeleteFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: state})
	_, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

// An application is found in the target by the label of its Service, once its pods are ready, and
// nothing else is: no other namespace, no endpoint that a hand wrote.
func TestApplicationsAreFoundInTheTarget(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			app := serveOrders(t)
			source := &found{town: emptyTown(t, version), app: app}
			source.create(fmt.Sprintf(strings.TrimSpace(ordersShop), app.ca, app.port))
			ca := t.TempDir() + "/ca.pem"
			writeFile(t, ca, app.ca)
			source.backup(source.cluster, slices.Concat([]string{"--app", fmt.Sprintf("shop/orders=127.0.0.1:%d", app.port), "--app-ca", ca},
				app.present)...)
			app.lose(t)

			target := &found{town: emptyTown(t, version), app: app}
			target.story = source.story
			target.target = []string{"--repo", source.repo, "--keys", source.keys, "--kubeconfig", target.cluster.Kubeconfig}
			client, err := kubernetes.NewForConfig(target.cluster.RESTConfig())
			if err != nil {
				t.Fatal(err)
			}
			target.pods = client
			kubelet(t, client, "shop")

			t.Run("nothing is found without being asked for", target.notAsked)
			t.Run("nothing is found where nothing is", target.nothingThere)
			t.Run("it is waited for and gets its state", target.restored)
			t.Run("the plan says where it is", target.planned)
			t.Run("it is compared", target.compared)
			t.Run("its state by itself, by the name of the application", target.stateAlone)
			t.Run("pods that are not ready are waited for in vain", target.notReady)
			t.Run("never in the namespace that a map leaves", target.mapped)
			t.Run("endpoints that a hand wrote lead nowhere", target.byHand)
			t.Run("two Services are no choice", target.ambiguous)
			t.Run("commands in pods need a right of their own", target.commandsInPods)
		})
	}
}

// found is a cluster in which an application is looked for.
type found struct {
	*town
	app  orders
	pods kubernetes.Interface
}

// emptyTown is a cluster without a shop.
func emptyTown(t *testing.T, version string) *town {
	s := newStory(t)
	cluster := testcluster.New(t, version)
	client, err := dynamic.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	c := &town{story: s, cluster: cluster, client: client}
	s.ok("init", s.repo, "--keys", s.keys)
	return c
}

func (f *found) finding(command string, more ...string) []string {
	return f.on(command, slices.Concat([]string{"--find-apps"}, f.credentials(command), more)...)
}

func (f *found) credentials(command string) []string {
	if command == "plan" {
		return nil
	}
	return f.app.present
}

// stateAlone describes, exports, compares and imports, with nothing but the name of the application: the Service
// leads to it, and says who signed its certificate.
func (f *found) stateAlone(t *testing.T) {
	called := func(verb string, more ...string) []string {
		return slices.Concat([]string{"apps", verb, "shop/orders", "--kubeconfig", f.cluster.Kubeconfig}, f.app.present, more)
	}
	says(t, f.ok(called("describe")...), "example.com 1.0.0", "(Service shop/db)", "orders")
	f.ok(called("import", "--point", "latest", "--repo", f.repo, "--keys", f.keys, "--yes")...)
	had, dir := f.app.has(), filepath.Join(t.TempDir(), "orders.state")
	says(t, f.ok(called("export", "--out", dir)...), "as it is now, written to "+dir, "orders: 2 rows")
	says(t, f.ok(called("compare", "--from", dir)...), "application shop/orders: equal")

	f.app.lose(t)
	if code, out, errs := f.run(called("compare", "--from", dir)...); code != ExitDifferent || !strings.Contains(out, "1 rows, saved were 2") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	before := filepath.Join(t.TempDir(), "before.state")
	says(t, f.ok(called("import", "--from", dir, "--save-before", before, "--yes")...), "exported again: equal", "(Service shop/db)")
	if f.app.has() != had {
		t.Errorf("it has %s", f.app.has())
	}
	f.ok(called("import", "--from", before, "--yes")...)
	if f.app.has() != `{"id":7}` {
		t.Errorf("it has %s", f.app.has())
	}
	says(t, f.ok(called("import", "--point", "latest", "--repo", f.repo, "--keys", f.keys, "--yes")...), "saved in restore point ", "equal")
	if f.app.has() != had {
		t.Errorf("it has %s", f.app.has())
	}
}

func (f *found) notAsked(t *testing.T) {
	code, out, errs := f.run(f.on("restore", slices.Concat(f.app.present, []string{"--dry-run"})...)...)
	if code != ExitPartly || !strings.Contains(out+errs, "no address was given") || !strings.Contains(out+errs, "--find-apps") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func (f *found) nothingThere(t *testing.T) {
	says(t, f.ok(f.finding("plan")...), "Applications in the target as it is now (1)",
		"shop/orders: not there: no Service is labelled for it: none in the namespace shop has the label appbur.io/app=orders", "docs/apps.md")
	code, out, errs := f.run(f.finding("restore", "--dry-run", "--app-wait", "1s")...)
	if code != ExitPartly || !strings.Contains(out, "failed: application shop/orders: no Service is labelled for it") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if code, out, errs = f.run(f.finding("plan", "--overlay", t.TempDir())...); code != ExitUsage {
		t.Errorf("with an overlay: exit code %d\n%s%s", code, out, errs)
	}
}

func (f *found) restored(t *testing.T) {
	out := f.ok(f.finding("restore", "--yes", "--json")...)

	var answer struct {
		Apps []struct {
			Result   string
			Imported struct{ Service string }
		}
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Apps) != 1 || answer.Apps[0].Result != "created" || answer.Apps[0].Imported.Service != "shop/db" {
		t.Errorf("%+v", answer.Apps)
	}
	if f.app.has() != `{"id":1}{"id":2}` {
		t.Errorf("the application has %s", f.app.has())
	}
}

func (f *found) planned(t *testing.T) {
	says(t, f.ok(f.finding("plan")...), fmt.Sprintf("shop/orders: Service shop/db, %s:%d, 1 of 1 endpoint ready", ownAddress(t), f.app.port))
}

func (f *found) compared(t *testing.T) {
	says(t, f.ok(f.finding("verify")...), "application shop/orders: equal")
	f.app.lose(t)
	code, out, errs := f.run(f.finding("verify")...)
	if code != ExitDifferent || !strings.Contains(out, "application shop/orders: different") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// setReady says whether the only pod of a namespace is ready, and waits until a controller has seen it.
func setReady(t *testing.T, client kubernetes.Interface, namespace string, ready bool) {
	t.Helper()
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 {
		t.Fatal(len(pods.Items), err)
	}
	if err := report(t.Context(), client, &pods.Items[0], ownAddress(t), ready); err != nil {
		t.Fatal(err)
	}
	untilReady(t, client, namespace, ready)
}

// untilReady waits until the only endpoint of a namespace is ready, or is not.
func untilReady(t *testing.T, client kubernetes.Interface, namespace string, ready bool) {
	t.Helper()
	for {
		list, err := client.DiscoveryV1().EndpointSlices(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) == 1 && len(list.Items[0].Endpoints) == 1 && *list.Items[0].Endpoints[0].Conditions.Ready == ready {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func (f *found) notReady(t *testing.T) {
	setReady(t, f.pods, "shop", false)
	before := f.app.has()
	code, out, errs := f.run(f.finding("restore", "--yes", "--app-wait", "1s")...)
	if code != ExitPartly || f.app.has() != before {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	says(t, out, "application shop/orders: failed", "Service shop/db: no endpoint is ready, of 1", "--app-wait")
}

func (f *found) mapped(t *testing.T) {
	says(t, f.ok(f.finding("plan", "--map-namespace", "shop=copy")...), "none in the namespace copy has the label appbur.io/app=orders")
}

func (f *found) byHand(t *testing.T) {
	f.remove("Service", "shop", "db")
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "hand", Labels: map[string]string{"appbur.io/app": "orders"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "state", Port: 7443}}},
	}
	if _, err := f.pods.CoreV1().Services("shop").Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	name, port, ready := "state", int32(f.app.port), true
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "hand", Labels: map[string]string{discoveryv1.LabelServiceName: "hand"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{ownAddress(t)}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
	}
	if _, err := f.pods.DiscoveryV1().EndpointSlices("shop").Create(t.Context(), slice, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	says(t, f.ok(f.finding("plan")...), "Service shop/hand: no endpoint is ready, of 0 that are pods of the cluster")
}

func (f *found) ambiguous(t *testing.T) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"appbur.io/app": "orders"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 7443}}},
	}
	if _, err := f.pods.CoreV1().Services("shop").Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	says(t, f.ok(f.finding("plan")...), "several Services are labelled for it: hand, other in the namespace shop")
}
