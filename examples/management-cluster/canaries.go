package managementcluster

import (
	"bytes"
	"encoding/base64"
	"slices"
)

// rotatedPassword is the value that Change puts into a Secret.
const rotatedPassword = "canary-9a0e6c4d-argocd-repo-password-rotated"

// canaries are all secret values of the cluster. None occurs anywhere but in a
// Secret and in the last-applied annotation of one.
var canaries = []string{
	"canary-0ab37f55-grafana-admin-password",
	"canary-0e5d1738-payments-prod-eu-join-token",
	"canary-19ed74b0-fleet-customer-hub-key",
	"canary-1f9b0c64-capi-webhook-tls-key",
	"canary-27b4fe80-orders-db-password",
	"canary-2c0f41e9-argocd-oidc-client-secret",
	"canary-3b7ce8d9-fleet-registry",
	"canary-44c19ea7-multi-line-second",
	"canary-4d6a90e3-payments-prod-eu-ca-key",
	"canary-50e9a3fd-webhook-basic-auth",
	"canary-5583e06d-logistics-stage-us-kubeconfig-token",
	"canary-62e8df14-search-prod-eu-ca-key",
	"canary-6e41ad08-aws-secret-access-key",
	"canary-7a1e46f3-search-deploy-token",
	"canary-7f3a9c2e-argocd-admin-password",
	"canary-8d1c95e4-etcd-client-key",
	"canary-93d2e7b1-crossplane-registry",
	"canary-97c3a5b6-search-prod-eu-kubeconfig-token",
	"canary-a6f2081c-fleet-signing-key",
	"canary-b02d6fc8-multi-line-first",
	"canary-b1f7c25d-payments-prod-eu-kubeconfig-token",
	"canary-b8856d17-argocd-server-secretkey",
	"canary-c5d7f0a2-argocd-server-tls-key",
	"canary-cc9d0b57-payments-deploy-token",
	"canary-d40b7716-argocd-repo-password",
	"canary-e19c5b20-argocd-cluster-token",
	"canary-e84f2b90-logistics-deploy-token",
	"canary-f4627be3-pagerduty-routing-key",
	"canary-fb20c7a9-logistics-stage-us-ca-key",
	rotatedPassword,
}

// Canaries returns the secret values of the cluster, each distinctive enough to
// be searched for. To search, use [Leaks]: Secrets hold them in base64.
func Canaries() []string { return slices.Clone(canaries) }

// Leaks returns the canaries that data contains, in clear or in base64, the
// latter also in the middle of a longer encoded text.
func Leaks(data []byte) []string {
	var found []string
	for _, canary := range canaries {
		if slices.ContainsFunc(traces(canary), func(trace []byte) bool { return bytes.Contains(data, trace) }) {
			found = append(found, canary)
		}
	}
	return found
}

// traces are the forms in which text can occur: in clear, and in base64 for each
// of the three positions that its first byte can have in a group of three. Only
// the characters that depend on nothing but the text are kept.
func traces(text string) [][]byte {
	forms := [][]byte{[]byte(text)}
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, before), text...))
		first := []int{0, 2, 3}[before]
		last := (before + len(text)) * 8 / 6
		forms = append(forms, []byte(encoded[first:last]))
	}
	return forms
}
