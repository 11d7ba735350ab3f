//go:build integration

package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/audit"
)

const robot = "system:serviceaccount:default:robot"

// person is somebody who writes.
type person struct {
	// name is what the ledger has to call them.
	name   string
	client dynamic.Interface
}

// people are those who write in earnest: by token, in the name of another, and as a ServiceAccount. Each has a field
// manager of their own, or all have the same, as people with kubectl do.
func (c *cluster) people(agent func(name string) string) []person {
	c.Helper()
	var people []person
	for _, user := range []string{"alice", "bob"} {
		people = append(people, person{user, c.as(c.RESTConfigOf(user), agent(user))})
	}
	impersonating := c.RESTConfig()
	impersonating.Impersonate = rest.ImpersonationConfig{UserName: "carol"}
	account := c.RESTConfig()
	account.BearerToken = c.token()
	return append(people, person{"admin as carol", c.as(impersonating, agent("carol"))}, person{robot, c.as(account, agent("robot"))})
}

// token is one of the ServiceAccount, as a Pod has it.
func (c *cluster) token() string {
	c.Helper()
	accounts := c.admin.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace("default")
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "robot"},
	}}
	if _, err := accounts.Create(c.Context(), object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		c.Fatal(err)
	}
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": map[string]any{"name": "robot"},
	}}
	answer, err := accounts.Create(c.Context(), request, metav1.CreateOptions{}, "token")
	if err != nil {
		c.Fatal(err)
	}
	var token authenticationv1.TokenRequest
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, &token); err != nil {
		c.Fatal(err)
	}
	return token.Status.Token
}

// allow gives everybody but mallory all rights.
func (c *cluster) allow() {
	c.Helper()
	binding := rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"},
		ObjectMeta: metav1.ObjectMeta{Name: "all"},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
	}
	for _, name := range []string{"alice", "bob", "carol", robot} {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: name})
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&binding)
	if err != nil {
		c.Fatal(err)
	}
	bindings := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
	_, err = c.admin.Resource(bindings).Create(c.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	if err != nil {
		c.Fatal(err)
	}
}

// truth is what the test knows: who wrote which version, and who deleted what.
type truth struct {
	mu      sync.Mutex
	wrote   map[string]string // by uid/version
	deleted map[string][]string
	// removed are the versions that only took a field away.
	removed map[string]bool
}

func newTruth() *truth {
	return &truth{wrote: map[string]string{}, deleted: map[string][]string{}, removed: map[string]bool{}}
}

func version(o *unstructured.Unstructured) string {
	return string(o.GetUID()) + "/" + o.GetResourceVersion()
}

// step has somebody do something with one object, which nobody else touches meanwhile. What is answered with the version
// from before has changed nothing.
func (t *truth) step(ctx context.Context, random *rand.Rand, who person, objects schema.GroupVersionResource, kind, name string) error {
	client := who.client.Resource(objects).Namespace("default")
	before, err := client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		before = nil
	} else if err != nil {
		return err
	}
	by := fmt.Sprintf("%s %d", who.name, random.Int())
	content := func() *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name},
			map[string]string{"ConfigMap": "data", "Secret": "stringData"}[kind]: map[string]any{"by": by, "k": "v"},
		}}
	}
	merge := func(patch any, options metav1.PatchOptions) (*unstructured.Unstructured, error) {
		text, err := json.Marshal(patch)
		if err != nil {
			return nil, err
		}
		return client.Patch(ctx, name, types.MergePatchType, text, options)
	}
	values := map[string]string{"ConfigMap": "data", "Secret": "stringData"}[kind]
	all := []string{metav1.DryRunAll}

	var after *unstructured.Unstructured
	removes := false
	if before == nil {
		switch random.IntN(4) {
		case 0:
			_, err = client.Create(ctx, content(), metav1.CreateOptions{DryRun: all})
		case 1:
			after, err = client.Apply(ctx, name, content(), metav1.ApplyOptions{FieldManager: "applier", Force: true})
		default:
			after, err = client.Create(ctx, content(), metav1.CreateOptions{})
		}
	} else {
		put := before.DeepCopy()
		switch random.IntN(13) {
		case 0:
			put.SetAnnotations(map[string]string{"by": by})
			after, err = client.Update(ctx, put, metav1.UpdateOptions{})
		case 1:
			put.SetAnnotations(map[string]string{"by": by})
			put.SetResourceVersion("")
			after, err = client.Update(ctx, put, metav1.UpdateOptions{})
		case 2: // changes nothing
			after, err = client.Update(ctx, put, metav1.UpdateOptions{})
		case 3, 4:
			after, err = merge(map[string]any{values: map[string]any{"by": by}}, metav1.PatchOptions{})
		case 5: // changes nothing
			after, err = merge(map[string]any{"metadata": map[string]any{"name": name}}, metav1.PatchOptions{})
		case 6:
			removes = true
			after, err = merge(map[string]any{"data": map[string]any{"k": nil}}, metav1.PatchOptions{})
		case 7:
			after, err = client.Apply(ctx, name, content(), metav1.ApplyOptions{FieldManager: "applier", Force: true})
		case 8:
			metadata := map[string]any{"resourceVersion": before.GetResourceVersion(), "labels": map[string]any{"by": "x"}}
			after, err = merge(map[string]any{"metadata": metadata}, metav1.PatchOptions{})
		case 9: // fails
			put.SetResourceVersion("1")
			if _, err = client.Update(ctx, put, metav1.UpdateOptions{}); apierrors.IsConflict(err) {
				err = nil
			}
		case 10: // only tries
			_, err = merge(map[string]any{values: map[string]any{"by": by}}, metav1.PatchOptions{DryRun: all})
		case 11: // only tries
			err = client.Delete(ctx, name, metav1.DeleteOptions{DryRun: all})
		case 12:
			if err = client.Delete(ctx, name, metav1.DeleteOptions{}); err == nil {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.deleted[string(before.GetUID())] = []string{who.name}
			}
		}
	}
	if err != nil || after == nil || before != nil && before.GetResourceVersion() == after.GetResourceVersion() {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrote[version(after)], t.removed[version(after)] = who.name, removes
	return nil
}

// stepEvery is how often a worker does something. Field managers have whole seconds: of an object that one actor patches
// several times in one, only the first is proven, however fast the machine is.
const stepEvery = 100 * time.Millisecond

// work has people do steps at once, each with objects of their turn.
func (c *cluster) work(t *truth, people []person, steps int, seed uint64) {
	c.Helper()
	var running sync.WaitGroup
	for worker := range 4 {
		running.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			pace := time.NewTicker(stepEvery)
			defer pace.Stop()
			for range steps {
				<-pace.C
				who, n := people[random.IntN(len(people))], random.IntN(10)
				objects, kind := configMaps, "ConfigMap"
				if n >= 8 {
					objects, kind = secrets, "Secret"
				}
				if err := t.step(c.Context(), random, who, objects, kind, fmt.Sprintf("w%d-%d", worker, n)); err != nil {
					c.Errorf("%s: %v", who.name, err)
					return
				}
			}
		})
	}
	running.Wait()
}

// compare asks for every change that was seen and is known, and returns how many were answered, of how many, by kind. A
// wrong answer is the one thing that must not be.
func (c *cluster) compare(s *source, t *truth) (answered, all map[string]int) {
	c.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	answered, all = map[string]int{}, map[string]int{}
	for _, change := range c.changes() {
		key := change.UID + "/" + change.ResourceVersion
		want, what := []string{t.wrote[key]}, change.Kind
		switch {
		case change.Event == audit.Deleted:
			want, what = t.deleted[change.UID], change.Kind+" deleted"
			if change.Name == "contested" {
				what = change.Name
			}
		case change.Name == "contended" && change.Tag != "":
			want, what = []string{change.Tag}, change.Name
		case t.removed[key]:
			what = change.Kind + " removed"
		}
		facts, proven := s.ledger.Who(change)
		var got []string
		for _, f := range facts {
			if !slices.Contains(got, f.String()) {
				got = append(got, f.String())
			}
			if strings.Contains(f.User, "mallory") {
				c.Errorf("%s: mallory is named for %+v", s.name, change)
			}
		}
		if len(want) == 0 || want[0] == "" {
			continue // somebody whom the test does not know
		}
		all[what]++
		if !proven {
			continue
		}
		answered[what]++
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			c.Errorf("%s: %q for %+v, which %q did: %+v", s.name, got, change, want, facts)
		}
	}
	return answered, all
}

// settle waits until all that was written is in the ledgers of the given sources and was seen.
func (c *cluster) settle(t *truth, sources ...*source) {
	c.Helper()
	last, err := c.admin.Resource(configMaps).Namespace("default").Create(c.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "last-"},
	}}, metav1.CreateOptions{})
	if err != nil {
		c.Fatal(err)
	}
	t.wrote[version(last)] = "admin"
	for _, s := range sources {
		c.await("the last write is known by "+s.name, func() bool {
			for _, change := range c.changes() {
				if change.UID+"/"+change.ResourceVersion == version(last) {
					_, proven := s.ledger.Who(change)
					return proven
				}
			}
			return false
		})
	}
	c.await("both know the same", func() bool {
		return len(sources) < 2 || sources[0].intake.Taken().Facts == sources[1].intake.Taken().Facts
	})
}

// versions are the ones that are tested: the oldest and the newest.
var versions = []string{"1.24.17", "1.37.1"}

// TestActorsOfRealClusters: whatever is written, by whoever and in whichever way, each change is answered with who made it,
// or not at all, from the webhook as from the log.
func TestActorsOfRealClusters(t *testing.T) {
	for _, v := range versions {
		t.Run(v, func(t *testing.T) {
			c := startCluster(t, v)
			c.allow()
			c.watch(configMaps, "ConfigMap")
			c.watch(secrets, "Secret")
			known := newTruth()
			kubectl := c.people(func(string) string { return "kubectl" })
			own := c.people(func(name string) string { return name })

			c.mallory()
			c.work(known, own, 40, 1)
			c.work(known, kubectl, 40, 2)
			c.contend(own, 20)
			c.cascade(known, own)
			c.secretsAlone(known, own)
			c.settle(known, c.webhook, c.log)
			for _, s := range []*source{c.webhook, c.log} {
				answered, all := c.compare(s, known)
				t.Logf("%s: answered %v of %v", s.name, answered, all)
				if len(all) < 6 || answered["ConfigMap deleted"] != all["ConfigMap deleted"] || 10*answered["ConfigMap"] < 8*all["ConfigMap"] {
					t.Errorf("%s: answered %v of %v", s.name, answered, all)
				}
			}
			if taken := c.log.intake.Taken(); slices.Max(slices.Collect(maps.Values(taken.Unusable))) > 0 {
				t.Errorf("unusable: %v", taken.Unusable)
			}

			c.away(known, own)
		})
	}
}

// contend has all write one object at the same time. Its content says who wrote each version.
func (c *cluster) contend(people []person, steps int) {
	c.Helper()
	client := c.admin.Resource(configMaps).Namespace("default")
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "contended"},
		"data": map[string]any{"by": "admin"}, // field managers are not kept for an object that begins without a field
	}}
	if _, err := client.Create(c.Context(), object, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
	var running sync.WaitGroup
	for _, who := range people {
		client := who.client.Resource(configMaps).Namespace("default")
		running.Go(func() {
			for i := range steps {
				patch := fmt.Appendf(nil, `{"data":{"by":%q,"n":"%d"}}`, who.name, i/2) // every second changes nothing, if nobody was faster
				_, err := client.Patch(c.Context(), "contended", types.MergePatchType, patch, metav1.PatchOptions{})
				if err != nil && !apierrors.IsConflict(err) {
					c.Errorf("%s: %v", who.name, err)
				}
			}
		})
	}
	running.Wait()
}

// mallory tries what is not allowed.
func (c *cluster) mallory() {
	c.Helper()
	client := c.as(c.RESTConfigOf("mallory"), "kubectl").Resource(configMaps).Namespace("default")
	if err := client.DeleteCollection(c.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		c.Errorf("mallory may: %v", err)
	}
}

// cascade deletes in the ways that take others with them.
func (c *cluster) cascade(t *truth, people []person) {
	c.Helper()
	ctx, alice, bob := c.Context(), people[0], people[1]
	create := func(namespace, name string, change func(o *unstructured.Unstructured)) *unstructured.Unstructured {
		c.Helper()
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "labels": map[string]any{"all": "x"}},
		}}
		change(object)
		created, err := bob.client.Resource(configMaps).Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
		if err != nil {
			c.Fatal(err)
		}
		t.wrote[version(created)] = "bob"
		return created
	}
	gone := func(namespace, name string) {
		c.Helper()
		c.await(name+" is gone", func() bool {
			_, err := c.admin.Resource(configMaps).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		})
	}
	must := func(err error) {
		c.Helper()
		if err != nil {
			c.Fatal(err)
		}
	}
	nothing := func(*unstructured.Unstructured) {}

	// The garbage collector deletes what the owner leaves behind.
	owner := create("default", "owner", nothing)
	owned := create("default", "owned", func(o *unstructured.Unstructured) {
		o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.GetUID()}})
	})
	must(alice.client.Resource(configMaps).Namespace("default").Delete(ctx, "owner", metav1.DeleteOptions{}))
	t.deleted[string(owner.GetUID())] = []string{"alice"}
	t.deleted[string(owned.GetUID())] = []string{"system:serviceaccount:kube-system:generic-garbage-collector"}
	gone("default", "owned")

	// One asks, another one takes the last finalizer away. Where a third one has asked at the same time, nobody may be named.
	for _, name := range []string{"held", "contested"} {
		held := create("default", name, func(o *unstructured.Unstructured) { o.SetFinalizers([]string{"example.com/held"}) })
		must(alice.client.Resource(configMaps).Namespace("default").Delete(ctx, name, metav1.DeleteOptions{}))
		if name == "contested" {
			must(people[2].client.Resource(configMaps).Namespace("default").Delete(ctx, name, metav1.DeleteOptions{}))
		} else {
			marked, err := c.admin.Resource(configMaps).Namespace("default").Get(ctx, name, metav1.GetOptions{})
			must(err)
			t.wrote[version(marked)] = "alice"
		}
		_, err := bob.client.Resource(configMaps).Namespace("default").Patch(ctx, name, types.MergePatchType,
			[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		must(err)
		t.deleted[string(held.GetUID())] = []string{"alice", "bob"}
	}

	// All of a type, and all of a namespace.
	for i := range 3 {
		object := create("default", fmt.Sprintf("one-of-%d", i), func(o *unstructured.Unstructured) {
			o.SetLabels(map[string]string{"set": "x"})
		})
		t.deleted[string(object.GetUID())] = []string{"alice"}
	}
	must(alice.client.Resource(configMaps).Namespace("default").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "set=x"}))
	_, err := bob.client.Resource(namespaces).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "short"},
	}}, metav1.CreateOptions{})
	must(err)
	inside := create("short", "inside", nothing)
	must(alice.client.Resource(namespaces).Delete(ctx, "short", metav1.DeleteOptions{}))
	t.deleted[string(inside.GetUID())] = []string{"system:serviceaccount:kube-system:namespace-controller"}
	gone("short", "inside")
}

// secretsAlone has one write Secrets, which are named by their events and not by their versions.
func (c *cluster) secretsAlone(t *truth, people []person) {
	c.Helper()
	ctx, alice := c.Context(), people[0]
	client := alice.client.Resource(secrets).Namespace("default")
	secret, err := client.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "alone"}, "stringData": map[string]any{"password": "hunter2"},
	}}, metav1.CreateOptions{})
	if err != nil {
		c.Fatal(err)
	}
	t.wrote[version(secret)] = "alice"
	for i := range 3 {
		secret, err = client.Patch(ctx, "alone", types.MergePatchType, fmt.Appendf(nil, `{"stringData":{"password":"%d"}}`, i), metav1.PatchOptions{})
		if err != nil {
			c.Fatal(err)
		}
		t.wrote[version(secret)] = "alice"
	}

	c.settle(t, c.webhook, c.log)
	for _, s := range []*source{c.webhook, c.log} {
		for _, change := range c.changes() {
			if change.Name != "alone" || change.Kind != "Secret" {
				continue
			}
			if facts, proven := s.ledger.Who(change); !proven {
				c.Errorf("%s: a Secret that only alice writes is not answered: %+v, %v", s.name, change, facts)
			}
		}
	}
}

// away ends the receiver while people work, until the API server drops events, and starts it again.
func (c *cluster) away(t *truth, people []person) {
	c.Helper()
	c.silence()
	c.await("the API server has dropped events", func() bool {
		c.work(t, people, 5, rand.Uint64())
		return c.metric("apiserver_audit_error_total", "webhook") > 0
	})
	c.listen()
	c.work(t, people, 20, 4)
	c.settle(t, c.webhook)
	c.settle(t, c.log)

	answered, all := c.compare(c.webhook, t)
	c.Logf("after it was away: answered %v of %v", answered, all)
	c.compare(c.log, t)
	if few, all := c.webhook.intake.Taken().Facts, c.log.intake.Taken().Facts; few >= all {
		c.Errorf("nothing was lost: %d facts of %d", few, all)
	}
}
