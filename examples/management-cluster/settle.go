package managementcluster

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// settled is one thing that controllers do after an object was created and that
// changes what the cluster holds.
type settled struct {
	what      string
	gv        schema.GroupVersion
	resource  string
	namespace string // empty means all
	name      string // empty means each object of the type
	done      func(obj map[string]any) error
}

var (
	coreV1 = schema.GroupVersion{Version: "v1"}
	appsV1 = schema.GroupVersion{Group: "apps", Version: "v1"}
	rbacV1 = schema.GroupVersion{Group: "rbac.authorization.k8s.io", Version: "v1"}
	crdV1  = schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"}
)

// outcomes is all that Load waits for.
var outcomes = []settled{
	{what: "types to be established", gv: crdV1, resource: "customresourcedefinitions", done: hasCondition("Established")},
	{what: "workloads to be seen by their controller", gv: appsV1, resource: "deployments", done: observed},
	{what: "workloads to be seen by their controller", gv: appsV1, resource: "statefulsets", done: observed},
	{what: "workloads to be seen by their controller", gv: appsV1, resource: "daemonsets", done: observed},
	{
		what: "the claims of the StatefulSet to be made", gv: coreV1, resource: "persistentvolumeclaims", namespace: "monitoring",
		name: "data-prometheus-1", done: exists,
	},
	{
		what: "the claim to be bound", gv: coreV1, resource: "persistentvolumeclaims", namespace: "fleet-system", name: "fleet-data",
		done: inPhase("Bound"),
	},
	{what: "the volume to be bound", gv: coreV1, resource: "persistentvolumes", name: "fleet-data-eu-west-1a", done: inPhase("Bound")},
	{
		what: "the job to run", gv: schema.GroupVersion{Group: "batch", Version: "v1"}, resource: "jobs", namespace: "fleet-system",
		name: "fleet-import-customers", done: has("status", "active"),
	},
	{
		what: "the token to be issued", gv: coreV1, resource: "secrets", namespace: "argocd", name: "argocd-manager-token",
		done: has("data", "token"),
	},
	{what: "the role to be aggregated", gv: rbacV1, resource: "clusterroles", name: "capi:aggregated:manager-role", done: aggregated},
	{what: "quotas to be counted", gv: coreV1, resource: "resourcequotas", done: has("status", "hard")},
	{
		what: "namespaces to have their authority", gv: coreV1, resource: "configmaps", namespace: "team-logistics", name: "kube-root-ca.crt",
		done: exists,
	},
}

// settle waits for every outcome.
func (c *client) settle(ctx context.Context) error {
	for _, o := range outcomes {
		if err := await(ctx, o.what, func(ctx context.Context) error { return c.check(ctx, o) }); err != nil {
			return err
		}
	}
	return nil
}

// check reports the first object for which the outcome has not come.
func (c *client) check(ctx context.Context, o settled) error {
	in := c.at(o.gv, o.resource, o.namespace)
	var objects []unstructured.Unstructured

	if o.name != "" {
		obj, err := in.Get(ctx, o.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		objects = append(objects, *obj)
	} else {
		list, err := in.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		objects = list.Items
	}

	for _, obj := range objects {
		if err := o.done(obj.Object); err != nil {
			return fmt.Errorf("%s: %w", identify(&obj), err)
		}
	}
	return nil
}

func exists(map[string]any) error { return nil }

// observed reports whether the controller has seen the present generation.
func observed(obj map[string]any) error {
	want, _, _ := unstructured.NestedInt64(obj, "metadata", "generation")
	have, _, _ := unstructured.NestedInt64(obj, "status", "observedGeneration")
	if have < want {
		return fmt.Errorf("generation %d, observed %d", want, have)
	}
	return nil
}

func has(path ...string) func(map[string]any) error {
	return func(obj map[string]any) error {
		if _, ok, err := unstructured.NestedFieldNoCopy(obj, path...); err != nil || !ok {
			return fmt.Errorf("has no %v", path)
		}
		return nil
	}
}

func inPhase(want string) func(map[string]any) error {
	return func(obj map[string]any) error {
		if phase, _, _ := unstructured.NestedString(obj, "status", "phase"); phase != want {
			return fmt.Errorf("phase is %q", phase)
		}
		return nil
	}
}

func hasCondition(kind string) func(map[string]any) error {
	return func(obj map[string]any) error {
		conditions, _, _ := unstructured.NestedSlice(obj, "status", "conditions")
		for _, condition := range conditions {
			if c, ok := condition.(map[string]any); ok && c["type"] == kind && c["status"] == "True" {
				return nil
			}
		}
		return fmt.Errorf("is not %s", kind)
	}
}

// aggregated reports whether the controller has collected the rules.
func aggregated(obj map[string]any) error {
	if rules, _, _ := unstructured.NestedSlice(obj, "rules"); len(rules) == 0 {
		return errors.New("has no rules")
	}
	return nil
}
