package managementcluster

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// noise is something that a cluster does all the time and that is no change: a
// backup afterwards must equal one before.
type noise struct {
	what string
	make func(context.Context, *client) error
}

var noises = []noise{
	{"an operator renews its lease", renewLease},
	{"an old operator renews its ConfigMap", renewLeaderConfigMap},
	{"objects are written back as they are", writeBack},
	{"another tool applies what is there already", applyAgain},
	{"operators refresh status", refreshStatus},
	{"a controller writes status into the object itself", refreshEmbeddedStatus},
	{"something is reported as an event", report},
}

// Noise makes the noise of a living cluster that [Load] has filled, once each
// kind. It reads no clock: times move on by two seconds from where they are.
func Noise(ctx context.Context, cfg *rest.Config) error {
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	for _, n := range noises {
		if err := n.make(ctx, c); err != nil {
			return fmt.Errorf("make noise: %s: %w", n.what, err)
		}
	}
	return nil
}

// beginning is the time from which the noise counts.
var beginning = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)

// tick returns the time two seconds after the one in text, in the same layout.
func tick(text, layout string) string {
	at, err := time.Parse(layout, text)
	if err != nil {
		at = beginning
	}
	return at.Add(2 * time.Second).Format(layout)
}

var (
	leaseV1   = schema.GroupVersion{Group: "coordination.k8s.io", Version: "v1"}
	clusterV1 = schema.GroupVersion{Group: "cluster.x-k8s.io", Version: "v1beta1"}
	argoV1    = schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}
)

func renewLease(ctx context.Context, c *client) error {
	const name, namespace = "controller-leader-election-capi", "capi-system"
	in := c.at(leaseV1, "leases", namespace)
	list, err := in.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return err
	}

	if len(list.Items) == 0 {
		_, err := in.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": leaseV1.String(), "kind": "Lease",
			"metadata": map[string]any{"name": name, "namespace": namespace},
			"spec": map[string]any{
				"holderIdentity":       "capi-controller-manager-6d8f9-x2x7q",
				"leaseDurationSeconds": int64(15),
				"renewTime":            beginning.Format(metav1.RFC3339Micro),
			},
		}}, metav1.CreateOptions{FieldManager: capiManager})
		return err
	}

	lease := &list.Items[0]
	renewed, _, _ := unstructured.NestedString(lease.Object, "spec", "renewTime")
	if err := unstructured.SetNestedField(lease.Object, tick(renewed, metav1.RFC3339Micro), "spec", "renewTime"); err != nil {
		return err
	}
	_, err = in.Update(ctx, lease, metav1.UpdateOptions{FieldManager: capiManager})
	return err
}

func renewLeaderConfigMap(ctx context.Context, c *client) error {
	const annotation = "control-plane.alpha.kubernetes.io/leader"
	in := c.at(coreV1, "configmaps", "ingress-nginx")
	configMap, err := in.Get(ctx, "ingress-controller-leader", metav1.GetOptions{})
	if err != nil {
		return err
	}
	annotations := configMap.GetAnnotations()
	record, err := parseLeaderRecord(annotations[annotation])
	if err != nil {
		return err
	}
	record.RenewTime = tick(record.RenewTime, time.RFC3339)
	annotations[annotation] = record.String()
	configMap.SetAnnotations(annotations)
	_, err = in.Update(ctx, configMap, metav1.UpdateOptions{FieldManager: "nginx-ingress-controller"})
	return err
}

// writeBack sends objects unchanged, as controllers do that do not compare.
func writeBack(ctx context.Context, c *client) error {
	for _, file := range []string{"25-fleet.yaml", "60-tenants.yaml"} {
		objects, err := topic{file: file}.objects()
		if err != nil {
			return err
		}
		for _, obj := range objects {
			in, _, err := c.of(ctx, obj)
			if err != nil {
				return err
			}
			live, err := in.Get(ctx, obj.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			if _, err := in.Update(ctx, live, metav1.UpdateOptions{}); err != nil {
				return err
			}
		}
	}

	return nil
}

// applyAgain applies what is in the files by another field manager. That changes
// the list of managers, and with it the resource version, and nothing else.
func applyAgain(ctx context.Context, c *client) error {
	objects, err := topic{file: "10-classes.yaml"}.objects()
	if err != nil {
		return err
	}

	for _, obj := range objects {
		in, _, err := c.of(ctx, obj)
		if err != nil {
			return err
		}
		text, err := obj.MarshalJSON()
		if err != nil {
			return err
		}
		force := true
		options := metav1.PatchOptions{FieldManager: "argocd-controller", Force: &force}
		if _, err := in.Patch(ctx, obj.GetName(), types.ApplyPatchType, text, options); err != nil {
			return err
		}
	}

	return nil
}

func refreshStatus(ctx context.Context, c *client) error {
	machines, err := c.at(clusterV1, "machines", "").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, machine := range machines.Items {
		updated, _, _ := unstructured.NestedString(machine.Object, "status", "lastUpdated")
		if err := unstructured.SetNestedField(machine.Object, tick(updated, time.RFC3339), "status", "lastUpdated"); err != nil {
			return err
		}
		in := c.at(clusterV1, "machines", machine.GetNamespace())
		if _, err := in.UpdateStatus(ctx, &machine, metav1.UpdateOptions{FieldManager: capiManager}); err != nil {
			return err
		}
	}
	return nil
}

func refreshEmbeddedStatus(ctx context.Context, c *client) error {
	in := c.at(argoV1, "applications", "argocd")
	application, err := in.Get(ctx, "payments-api", metav1.GetOptions{})
	if err != nil {
		return err
	}
	reconciled, _, _ := unstructured.NestedString(application.Object, "status", "reconciledAt")
	if err := unstructured.SetNestedField(application.Object, tick(reconciled, time.RFC3339), "status", "reconciledAt"); err != nil {
		return err
	}
	_, err = in.Update(ctx, application, metav1.UpdateOptions{FieldManager: "argocd-application-controller"})
	return err
}

func report(ctx context.Context, c *client) error {
	_, err := c.at(coreV1, "events", "team-payments").Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata": map[string]any{"generateName": "payments-prod-eu.", "namespace": "team-payments"},
		"involvedObject": map[string]any{
			"apiVersion": clusterV1.String(), "kind": "Cluster", "namespace": "team-payments",
			"name": "payments-prod-eu",
		},
		"type": "Normal", "reason": "Reconciled", "message": "nothing to do",
	}}, metav1.CreateOptions{FieldManager: capiManager})
	return err
}
