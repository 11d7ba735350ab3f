//go:build integration

package canary

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// refuse restores to a cluster that refuses objects and says all that it refuses, as
// webhooks and validation do: the complete object as JSON, and what base64 in it means.
func (w *world) refuse(with func(...string) []string) {
	w.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(quoteAndDeny))
	w.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})

	const group, kinds = "admissionregistration.k8s.io", "validatingwebhookconfigurations"
	w.apply(group, "v1", kinds, object(group+"/v1", "ValidatingWebhookConfiguration", "", "quoting", map[string]any{
		"webhooks": []any{map[string]any{
			"name": "quoting.example.org", "admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "failurePolicy": "Fail",
			"clientConfig": map[string]any{"url": server.URL, "caBundle": base64.StdEncoding.EncodeToString(authority)},
			"rules": []any{map[string]any{
				"apiGroups": []any{"", "example.org"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE", "UPDATE"},
				"resources": []any{"secrets", "configmaps", "vaults"},
			}},
		}},
	}))

	configmaps := w.client.Resource(resource("", "v1", "configmaps")).Namespace("default")
	w.eventually("the webhook is asked", func(ctx context.Context) error {
		_, err := configmaps.Create(ctx, object("v1", "ConfigMap", "default", "probe", nil),
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil || !strings.Contains(err.Error(), refusal) {
			return errors.Join(err, errors.New("it is not asked yet"))
		}
		return nil
	})

	// What is equal is not written, so nothing of it could be refused.
	for _, gone := range []schema.GroupVersionResource{
		resource("", "v1", "secrets"), resource("", "v1", "configmaps"),
		resource("example.org", "v1", "vaults"),
	} {
		err := w.client.Resource(gone).Namespace("team").DeleteCollection(w.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			w.Fatal(err)
		}
	}

	defer w.run(with("restore", "latest", "--yes", "--undo-newer", "--force-conflicts")...)
	for _, form := range [][]string{nil, {"--json"}, {"--dry-run"}} {
		before := w.transcript.Len()
		w.fails(with(append([]string{"restore", "latest", "--yes", "--undo-newer", "--force-conflicts"}, form...)...)...)
		said := w.transcript.String()[before:]
		if !strings.Contains(said, refusal) || strings.Count(said, "(secret)") < 3 || !strings.Contains(said, "{…}") {
			w.Errorf("no value was refused, or it is not said why:\n%.6000s", said)
		}
	}

	if err := w.client.Resource(resource(group, "v1", kinds)).Delete(w.Context(), "quoting", metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}

	w.eventually("the webhook is forgotten", func(ctx context.Context) error {
		_, err := configmaps.Create(ctx, object("v1", "ConfigMap", "default", "probe", nil),
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

const refusal = "refused by who quotes"

// quoteAndDeny answers an AdmissionReview.
func quoteAndDeny(rw http.ResponseWriter, r *http.Request) {
	var review struct {
		Request struct {
			UID    string          `json:"uid"`
			Object json.RawMessage `json:"object"`
		} `json:"request"`
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}

	message := refusal + ": " + string(review.Request.Object)
	for _, token := range base64Text.FindAllString(string(review.Request.Object), -1) {
		if plain, err := base64.StdEncoding.DecodeString(token); err == nil && worthwhile(plain) {
			message += "\nwhich is " + string(plain)
		}
	}

	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(map[string]any{ // who asks has gone
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
		"response": map[string]any{"uid": review.Request.UID, "allowed": false, "status": map[string]any{"message": message}},
	})
}

// stumble takes backups while a conversion webhook fails and quotes what it was to
// convert: the reason why a type could not be read is kept in the restore point.
func (w *world) stumble(with func(...string) []string) {
	w.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(quoteAndFail))
	w.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	w.defineLockers("v1alpha1", map[string]any{"strategy": "None"})
	w.apply("example.org", "v1alpha1", "lockers", object("example.org/v1alpha1", "Locker", "team", "first", map[string]any{
		"spec": map[string]any{"password": w.hide("what a conversion webhook quotes")},
	}))
	w.defineLockers("v1", map[string]any{"strategy": "Webhook", "webhook": map[string]any{
		"conversionReviewVersions": []any{"v1"},
		"clientConfig":             map[string]any{"url": server.URL, "caBundle": base64.StdEncoding.EncodeToString(authority)},
	}})

	w.eventually("conversion fails", func(ctx context.Context) error {
		_, err := w.client.Resource(resource("example.org", "v1", "lockers")).Namespace("team").List(ctx, metav1.ListOptions{})
		if err == nil || !strings.Contains(err.Error(), refusal) {
			return errors.Join(err, errors.New("it does not fail yet"))
		}
		return nil
	})

	for _, form := range [][]string{nil, {"--json"}} {
		if code, out := w.run(with(append([]string{"backup"}, form...)...)...); code != 3 || form != nil &&
			!strings.Contains(out, "conversion webhook for") {
			w.Errorf("the backup ended with %d, want 3 (partial), and a reason:\n%.3000s", code, out)
		}
	}

	if code, out := w.run(with("explain", "lockers.example.org/first", "-n", "team")...); code == 0 ||
		!strings.Contains(out, "conversion webhook for") {
		w.Errorf("explain ended with %d, want a failure and a reason:\n%.3000s", code, out)
	}
	points := strings.Fields(w.git(w.repo, "tag", "--list", "--sort=-refname", "restore-points/*"))
	w.ok("points", "show", strings.TrimPrefix(points[0], "restore-points/"), "--repo", w.repo, "--json")
	w.defineLockers("v1", map[string]any{"strategy": "None"}) // or nobody could list them to delete them
	if err := w.client.Resource(resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")).Delete(w.Context(), "lockers.example.org",
		metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}

	w.eventually("the definition is gone", func(ctx context.Context) error {
		_, err := w.client.Resource(resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")).Get(ctx, "lockers.example.org",
			metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is still there"))
	})
}

// defineLockers makes a definition with two versions. What was stored before the
// storage version changes has to be converted.
func (w *world) defineLockers(storage string, conversion map[string]any) {
	w.Helper()
	version := func(name string) map[string]any {
		return map[string]any{
			"name": name, "served": true, "storage": name == storage,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		}
	}
	w.apply("apiextensions.k8s.io", "v1", "customresourcedefinitions",
		object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "lockers.example.org", map[string]any{
			"spec": map[string]any{
				"group": "example.org", "scope": "Namespaced",
				"names":    map[string]any{"plural": "lockers", "singular": "locker", "kind": "Locker", "listKind": "LockerList"},
				"versions": []any{version("v1"), version("v1alpha1")}, "conversion": conversion,
			},
		}))
}

// quoteAndFail answers a ConversionReview.
func quoteAndFail(rw http.ResponseWriter, r *http.Request) {
	var review struct {
		Request struct {
			UID     string            `json:"uid"`
			Objects []json.RawMessage `json:"objects"`
		} `json:"request"`
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	message := refusal

	for _, object := range review.Request.Objects {
		var content struct {
			Spec struct {
				Password string `json:"password"`
			} `json:"spec"`
		}
		if err := json.Unmarshal(object, &content); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		message += ": cannot convert " + content.Spec.Password
	}

	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(map[string]any{ // who asks has gone
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
		"response": map[string]any{
			"uid": review.Request.UID, "result": map[string]any{"status": "Failure", "message": message},
			"convertedObjects": []any{},
		},
	})
}
