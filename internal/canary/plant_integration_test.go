//go:build integration

package canary

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

func resource(group, version, name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: name}
}

// apply writes an object by server-side apply, which leaves the most in managedFields.
func (w *world) apply(group, version, name string, o *unstructured.Unstructured, subresources ...string) {
	w.Helper()
	data, err := json.Marshal(o.Object)
	if err != nil {
		w.Fatal(err)
	}
	force := true
	w.eventually("writing "+o.GetKind()+" "+o.GetName(), func(ctx context.Context) error {
		_, err := w.client.Resource(resource(group, version, name)).Namespace(o.GetNamespace()).
			Patch(ctx, o.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: "canary", Force: &force}, subresources...)
		return err
	})
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// helmRelease is the record of a release, as Helm 3 encodes it before the storage
// driver does.
func helmRelease(secret string) string {
	release := quote(map[string]any{
		"name": "shop", "version": 1, "info": map[string]any{"status": "deployed"}, "config": map[string]any{"password": secret},
		"chart":    map[string]any{"metadata": map[string]any{"name": "shop", "version": "1.0.0"}},
		"manifest": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\ndata:\n  password: " + base64Of(secret) + "\n",
	})
	return base64Of(gzipped(release))
}

// plantObjects hides a value in every place.
func (w *world) plantObjects() {
	w.Helper()
	annotated := func(key, value string) map[string]any {
		return map[string]any{"annotations": map[string]any{key: value}}
	}
	w.apply("", "v1", "namespaces", object("v1", "Namespace", "", "team", nil))

	secret := func(namespace, name string, fields map[string]any) {
		w.apply("", "v1", "secrets", object("v1", "Secret", namespace, name, fields))
	}
	secret("team", "db", map[string]any{
		"type": "Opaque", "data": map[string]any{"password": base64Of(w.hide("Secret data"))},
		"stringData": map[string]any{"user": w.hide("Secret stringData")},
		"metadata": annotated(lastApplied,
			quote(map[string]any{"data": map[string]any{"password": base64Of(w.hide("last-applied of a Secret"))}})),
	})
	secret("team", "sh.helm.release.v1.shop.v1", map[string]any{
		"type": "helm.sh/release.v1", "data": map[string]any{"release": base64Of(helmRelease(w.hide("Helm release in a Secret")))},
		"metadata": map[string]any{"labels": map[string]any{"owner": "helm", "name": "shop", "status": "deployed", "version": "1"}},
	})
	secret("team", "token", map[string]any{
		"type": "kubernetes.io/service-account-token", "metadata": annotated("kubernetes.io/service-account.name", "default"),
		"data": map[string]any{"extra": base64Of(w.hide("beside a service account token"))},
	})
	secret("team", "pull", map[string]any{"type": "kubernetes.io/dockerconfigjson", "data": map[string]any{
		".dockerconfigjson": base64Of(`{"auths":{"r":{"auth":"` + base64Of("u:"+w.hide("registry login")) + `"}}}`),
	}})

	w.apply("", "v1", "configmaps", object("v1", "ConfigMap", "team", "settings", map[string]any{
		"data":       map[string]any{"tls.key": w.hide("ConfigMap key by rule"), "note": w.show("ConfigMap key without a rule")},
		"binaryData": map[string]any{"store.p12": base64Of(w.hide("ConfigMap binary key by rule"))},
		"metadata":   annotated(lastApplied, quote(map[string]any{"data": map[string]any{"tls.key": w.hide("last-applied of a ConfigMap")}})),
	}))
	w.apply("", "v1", "configmaps", object("v1", "ConfigMap", "team", "shop.v1", map[string]any{
		"data":     map[string]any{"release": helmRelease(w.hide("Helm release in a ConfigMap"))},
		"metadata": map[string]any{"labels": map[string]any{"OWNER": "TILLER", "owner": "helm", "NAME": "shop"}},
	}))

	labels := map[string]any{"app": "web"}
	w.apply("apps", "v1", "deployments", object("apps/v1", "Deployment", "team", "web", map[string]any{
		"metadata": annotated(lastApplied, quote(map[string]any{"env": w.hide("last-applied of a Deployment")})),
		"spec": map[string]any{
			"replicas": 0, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{
					"labels":      labels,
					"annotations": map[string]any{lastApplied: quote(map[string]any{"env": w.hide("last-applied of a pod template")})},
				},
				"spec": map[string]any{"containers": []any{map[string]any{
					"name": "web", "image": "example.org/web",
					"env": []any{map[string]any{"name": "PASSWORD", "value": w.show("environment variable of a Deployment")}},
				}}},
			},
		},
	}))
	w.apply("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
		object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "canary", map[string]any{
			"webhooks": []any{map[string]any{
				"name": "a.example.org", "admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "failurePolicy": "Ignore",
				"clientConfig": map[string]any{"url": "https://example.invalid/" + w.show("URL of a webhook")},
			}},
		}))

	w.eventually("the token of a ServiceAccount is made", func(ctx context.Context) error {
		live, err := w.client.Resource(resource("", "v1", "secrets")).Namespace("team").Get(ctx, "token", metav1.GetOptions{})
		if err != nil {
			return err
		}
		encoded, _, _ := unstructured.NestedString(live.Object, "data", "token")
		token, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(token) == 0 {
			return errors.Join(err, errors.New("no token yet"))
		}
		w.secret["the token of a ServiceAccount"] = string(token)
		return nil
	})
	w.plantVault()
	w.plantGoing()

	// Events are no state and are not saved at all.
	w.apply("", "v1", "events", object("v1", "Event", "team", "told", map[string]any{
		"message": w.hide("message of an Event"), "reason": "Told", "type": "Normal",
		"involvedObject": map[string]any{"kind": "Secret", "name": "db", "namespace": "team", "apiVersion": "v1"},
	}))
}

// plantVault makes a custom resource with secrets in its annotations, its spec, its
// status and, because a set is listed by its values there, in its managed fields.
func (w *world) plantVault() {
	w.Helper()
	text := map[string]any{"type": "string"}
	w.apply("apiextensions.k8s.io", "v1", "customresourcedefinitions",
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "vaults.example.org", map[string]any{
			"spec": map[string]any{
				"group": "example.org", "scope": "Namespaced",
				"names": map[string]any{"plural": "vaults", "singular": "vault", "kind": "Vault", "listKind": "VaultList"},
				"versions": []any{map[string]any{
					"name": "v1", "served": true, "storage": true, "subresources": map[string]any{"status": map[string]any{}},
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
						"spec": map[string]any{"type": "object", "properties": map[string]any{
							"password": text, "user": text, "numbers": map[string]any{"type": "array", "items": map[string]any{"type": "number"}},
							"peers": map[string]any{"type": "array", "x-kubernetes-list-type": "set", "items": text},
						}},
						"status": map[string]any{"type": "object", "properties": map[string]any{"token": text, "phase": text}},
					}}},
				}},
			},
		}))

	vault := func(fields map[string]any) *unstructured.Unstructured {
		return object("example.org/v1", "Vault", "team", "main", fields)
	}
	w.apply("example.org", "v1", "vaults", vault(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{
			"example.org/token": w.hide("annotation by rule"), "example.org/note": w.show("annotation without a rule"),
			lastApplied: quote(map[string]any{"spec": map[string]any{"password": w.hide("last-applied of a custom resource")}}),
		}},
		"spec": map[string]any{
			"password": w.hide("field of a custom resource by rule"), "user": w.show("field without a rule"),
			"peers": []any{w.hide("list of a custom resource by rule")}, "numbers": []any{1, 2.5},
		},
	}))

	w.apply("example.org", "v1", "vaults", vault(map[string]any{
		"status": map[string]any{"token": w.hide("status of a custom resource by rule"), "phase": w.show("status without a rule")},
	}), "status")

	// The set's values are in managedFields of the live object, or this shows nothing.
	live, err := w.client.Resource(resource("example.org", "v1", "vaults")).Namespace("team").Get(w.Context(), "main", metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	if fields := quote(live.Object["metadata"].(map[string]any)["managedFields"]); !strings.Contains(fields,
		w.hide("list of a custom resource by rule")) {
		w.Errorf("no value in managedFields: %s", fields)
	}
}

// plantGoing leaves a Secret in a namespace that is being deleted, and another one
// that is being deleted itself. The controllers are stopped first: they would delete
// the one, too, at a moment that nobody knows.
func (w *world) plantGoing() {
	w.Helper()
	secrets := w.client.Resource(resource("", "v1", "secrets")).Namespace("going")
	w.apply("", "v1", "namespaces", object("v1", "Namespace", "", "going", nil))

	for name, value := range map[string]string{
		"held": w.hide("Secret in a namespace that is being deleted"), "leaving": w.hide("Secret that is being deleted"),
	} {
		w.apply("", "v1", "secrets", object("v1", "Secret", "going", name, map[string]any{
			"data": map[string]any{"a": base64Of(value)}, "metadata": map[string]any{"finalizers": []any{"example.org/held"}},
		}))
	}

	w.cluster.StopControllerManager()
	if err := w.client.Resource(resource("", "v1", "namespaces")).Delete(w.Context(), "going", metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	if err := secrets.Delete(w.Context(), "leaving", metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}

	for name, leaving := range map[string]bool{"held": false, "leaving": true} {
		live, err := secrets.Get(w.Context(), name, metav1.GetOptions{})
		if err != nil {
			w.Fatal(err)
		}
		if (live.GetDeletionTimestamp() != nil) != leaving {
			w.Errorf("%s is deleted at %v", name, live.GetDeletionTimestamp())
		}
	}
}

// change makes the live values differ from the saved ones, so that a comparison has
// both at hand.
func (w *world) change() {
	w.Helper()
	w.apply("", "v1", "secrets", object("v1", "Secret", "team", "db", map[string]any{
		"type": "Opaque", "data": map[string]any{"password": base64Of(w.hide("changed Secret data"))},
	}))
	w.apply("", "v1", "configmaps", object("v1", "ConfigMap", "team", "settings", map[string]any{
		"data": map[string]any{"tls.key": w.hide("changed ConfigMap key"), "note": w.show("ConfigMap key without a rule")},
	}))
	w.apply("example.org", "v1", "vaults", object("example.org/v1", "Vault", "team", "main", map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"example.org/token": w.hide("changed annotation")}},
		"spec":     map[string]any{"password": w.hide("changed field of a custom resource"), "peers": []any{w.hide("changed list")}},
	}))
}
