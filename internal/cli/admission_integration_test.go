//go:build integration

package cli

import (
	"encoding/json"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/pkg/restore"
)

// hooked are webhooks of a cluster with a shop. Nobody answers for any of them.
const hooked = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: tint}
webhooks:
- name: tint.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 1
  clientConfig: {service: {namespace: shop, name: tint}}
  namespaceSelector: {matchLabels: {team: a}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- name: guard.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  clientConfig: {service: {namespace: shop, name: guard}}
  namespaceSelector: {matchLabels: {team: a}}
  rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
`

// slowly is a kind of two versions between which nobody converts.
const slowly = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.shop.example.org}
spec:
  group: shop.example.org
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: shop, name: web, path: /convert}}}
  versions:
  - {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

//integration:own-tests It adds kinds to a table that only tests with the tag read.
func init() {
	for kind, name := range map[string]string{
		"MutatingWebhookConfiguration": "mutatingwebhookconfigurations", "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
	} {
		shopResources[kind] = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: name}
	}
	shopResources["CustomResourceDefinition"] = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	shopResources["Gadget"] = schema.GroupVersionResource{Group: "shop.example.org", Version: "v2", Resource: "gadgets"}
	shopResources["EndpointSlice"] = schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}
}

// Webhooks that are live in the target are told in the plan, and those whose backend is down keep no
// restore from converging for good.
func TestWebhooksOfTheTargetAreTold(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.create(hooked)

			t.Run("those that change what is written", c.mutating)
			t.Run("those that refuse what answers for them", c.refusing)
			t.Run("by an account that may not see them", c.unseen)
			t.Run("those that convert", c.converting)
		})
	}
}

func (c *town) admission() restore.Admission {
	c.Helper()
	var answer struct {
		Admission restore.Admission `json:"admission"`
	}
	if err := json.Unmarshal([]byte(c.ok(c.on("plan", "--json")...)), &answer); err != nil {
		c.Fatal(err)
	}
	return answer.Admission
}

// mutating tells of what would be written, and of nothing else.
func (c *town) mutating(t *testing.T) {
	if found := c.admission(); len(found.Webhooks) > 0 || found.Unknown != "" {
		t.Errorf("nothing is written, and %+v is told", found)
	}
	c.remove("ConfigMap", "shop", "settings")
	c.remove("ConfigMap", "other", "settings") // in a namespace that is not selected
	says(t, c.ok(c.on("plan")...), "Webhooks of the target may change what is restored (1)",
		"tint.example.org of MutatingWebhookConfiguration.admissionregistration.k8s.io/tint: 1 object (ConfigMap); "+
			"failurePolicy Ignore; Service/shop/tint does not exist")

	found := c.admission().Webhooks
	if len(found) != 1 || !found[0].Mutates || found[0].Objects != 1 || found[0].Backend != restore.BackendMissing || found[0].Refuses() {
		t.Errorf("%+v", found)
	}
	says(t, c.ok(c.on("restore", "--yes", "--undo-newer")...), "tint.example.org of ")
	if !c.there("ConfigMap", "shop", "settings") {
		t.Error("it is not restored")
	}
}

// refusing restores a workload that a webhook guards which it answers for itself.
func (c *town) refusing(t *testing.T) {
	c.backup(c.cluster) // with the configurations
	c.remove("Deployment", "shop", "web")
	again := c.on("restore", "--yes", "--undo-newer")
	says(t, c.ok(c.on("plan")...), "Webhooks of the target refuse what is restored, because nobody answers for them (1)",
		"guard.example.org of ValidatingWebhookConfiguration.admissionregistration.k8s.io/guard: 1 object (Deployment.apps); "+
			"failurePolicy Fail; Service/shop/guard does not exist",
		"hint: pass --silence-dead-webhooks to let it pass until the end of the restore")
	code, out, _ := c.run(again...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "Deployment.apps/shop/web", `failed calling webhook "guard.example.org"`, "start its backend or remove its configuration")

	// What the hint says helps, and the configuration comes back when its workload is there. With
	// it in force again, another run has nothing to write that it could refuse.
	c.remove("ValidatingWebhookConfiguration", "", "guard")
	c.eventually("the webhook is not called any more", func() bool { code, _, _ := c.run(again...); return code == ExitDone })
	if !c.there("ValidatingWebhookConfiguration", "", "guard") || !c.there("Deployment", "shop", "web") {
		t.Error("the workload or its webhook is missing")
	}
	report := c.restore(append(again, "--json"))
	if report.Counts.Created+report.Counts.Configured+report.Counts.Failed > 0 {
		t.Errorf("a second run: %+v", report.Counts)
	}

	c.answering(t)
}

// answering gives the webhook what answers for it.
func (c *town) answering(t *testing.T) {
	c.remove("Deployment", "shop", "web")
	defer func() {
		c.remove("ValidatingWebhookConfiguration", "", "guard")
		c.eventually("all is there again", func() bool {
			code, _, _ := c.run(c.on("restore", "--yes", "--undo-newer")...)
			return code == ExitDone
		})
	}()
	c.create(`{apiVersion: v1, kind: Service, metadata: {name: guard, namespace: shop}, spec: {ports: [{port: 443}]}}`)
	defer c.remove("Service", "shop", "guard")
	says(t, c.ok(c.on("plan")...), "Service/shop/guard has no endpoint that is ready")

	c.create(`{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [{addresses: [10.1.2.3]}],
		metadata: {name: guard-1, namespace: shop, labels: {kubernetes.io/service-name: guard, endpointslice.kubernetes.io/managed-by: test}}}`)
	if plan := c.ok(c.on("plan")...); strings.Contains(plan, "refuse what is restored") {
		t.Errorf("its backend runs:\n%s", plan)
	}
}

func (c *town) unseen(t *testing.T) {
	code, out, _ := c.run("plan", "latest", "--repo", c.repo, "--keys", c.keys, "--kubeconfig", actingAs(t, c.cluster, "nobody-special"))
	if code == ExitFailed {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "webhooks of the target: not known: reading the webhooks of the target")
}

// converting restores objects of a kind between whose versions nobody converts.
func (c *town) converting(t *testing.T) {
	c.create(slowly)
	c.eventually("the kind is served", func() bool {
		_, err := c.of("Gadget", "shop").List(t.Context(), metav1.ListOptions{})
		return !apierrors.IsNotFound(err)
	})
	c.create(`{apiVersion: shop.example.org/v2, kind: Gadget, metadata: {name: one, namespace: shop}, spec: {size: 3}}`)
	c.backup(c.cluster)

	c.remove("Gadget", "shop", "one")
	c.remove("CustomResourceDefinition", "", "gadgets.shop.example.org")
	again := c.on("restore", "--yes", "--undo-newer")
	c.ok(again...)
	if !c.there("Gadget", "shop", "one") {
		t.Error("the object is missing")
	}
	report := c.restore(append(again, "--json"))
	if report.Counts.Created+report.Counts.Configured+report.Counts.Failed > 0 {
		t.Errorf("a second run: %+v", report.Counts)
	}
	c.ok(c.on("verify")...)
}
