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
)

// refuse restores to a cluster that refuses objects and says all that it refuses, as
// webhooks and validation do: the whole object as JSON, and what base64 in it means.
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
		_, err := configmaps.Create(ctx, object("v1", "ConfigMap", "default", "probe", nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil || !strings.Contains(err.Error(), refusal) {
			return errors.Join(err, errors.New("it is not asked yet"))
		}
		return nil
	})
	for _, form := range [][]string{nil, {"--json"}, {"--dry-run"}} {
		before := w.transcript.Len()
		w.fails(with(append([]string{"restore", "latest", "--yes", "--force-conflicts"}, form...)...)...)
		said := w.transcript.String()[before:]
		if !strings.Contains(said, refusal) || strings.Count(said, "(secret)") < 3 || !strings.Contains(said, "{…}") {
			w.Errorf("no value was refused, or it is not said why:\n%.6000s", said)
		}
	}
	if err := w.client.Resource(resource(group, "v1", kinds)).Delete(w.Context(), "quoting", metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	w.eventually("the webhook is forgotten", func(ctx context.Context) error {
		_, err := configmaps.Create(ctx, object("v1", "ConfigMap", "default", "probe", nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
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
