package deploy_test

import (
	"slices"
	"strings"
	"testing"

	auditapi "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/tools/clientcmd"
)

// The policy is read with the API server's own loader, and its own evaluator says what is told of each request.
func TestAuditPolicy(t *testing.T) {
	loaded, err := policy.LoadPolicyFromFile("audit/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	evaluator := policy.NewPolicyRuleEvaluator(loaded)
	level := func(by, verb, group, resource, subresource string, groups ...string) auditapi.Level {
		decision := evaluator.EvaluatePolicyRule(authorizer.AttributesRecord{
			User: &user.DefaultInfo{Name: by, Groups: groups}, Verb: verb, APIGroup: group, APIVersion: "v1", Resource: resource,
			Subresource: subresource, Name: "a", Namespace: "default", ResourceRequest: true,
		})
		if !decision.OmitManagedFields || !slices.Contains(decision.OmitStages, auditapi.StageRequestReceived) {
			t.Errorf("%s %s: %+v", verb, resource, decision)
		}
		return decision.Level
	}

	const controller = "system:serviceaccount:kube-system:"
	for _, test := range []struct {
		by, verb, group, resource, subresource string
		groups                                 []string
		want                                   auditapi.Level
	}{
		{"alice", "update", "apps", "deployments", "", nil, auditapi.LevelRequestResponse},
		{"alice", "patch", "apps", "deployments", "scale", nil, auditapi.LevelRequestResponse},
		{"alice", "delete", "", "configmaps", "", nil, auditapi.LevelRequestResponse},
		{"alice", "deletecollection", "example.com", "widgets", "", nil, auditapi.LevelRequestResponse},
		{controller + "generic-garbage-collector", "delete", "", "configmaps", "", nil, auditapi.LevelRequestResponse},
		{"alice", "create", "", "secrets", "", nil, auditapi.LevelMetadata},
		{"alice", "deletecollection", "", "secrets", "", nil, auditapi.LevelMetadata},
		{controller + "namespace-controller", "delete", "", "secrets", "", nil, auditapi.LevelMetadata},
		{"alice", "get", "apps", "deployments", "", nil, auditapi.LevelNone},
		{"alice", "list", "", "secrets", "", nil, auditapi.LevelNone},
		{"alice", "create", "", "serviceaccounts", "token", nil, auditapi.LevelNone},
		{"alice", "create", "", "pods", "exec", nil, auditapi.LevelNone},
		{"alice", "create", "", "pods", "", nil, auditapi.LevelRequestResponse},
		{"alice", "create", "authorization.k8s.io", "subjectaccessreviews", "", nil, auditapi.LevelNone},
		{controller + "replicaset-controller", "create", "", "pods", "", nil, auditapi.LevelNone},
		{controller + "deployment-controller", "update", "apps", "deployments", "status", nil, auditapi.LevelNone},
		{"system:node:a", "patch", "", "nodes", "status", []string{"system:nodes"}, auditapi.LevelNone},
		{"alice", "patch", "", "nodes", "", nil, auditapi.LevelRequestResponse},
		{"system:node:a", "update", "coordination.k8s.io", "leases", "", []string{"system:nodes"}, auditapi.LevelNone},
		{"alice", "create", "events.k8s.io", "events", "", nil, auditapi.LevelNone},
	} {
		if got := level(test.by, test.verb, test.group, test.resource, test.subresource, test.groups...); got != test.want {
			t.Errorf("%s %s %s/%s: %s, want %s", test.by, test.verb, test.resource, test.subresource, got, test.want)
		}
	}
	decision := evaluator.EvaluatePolicyRule(authorizer.AttributesRecord{User: &user.DefaultInfo{}, Verb: "post", Path: "/openapi/v3"})
	if decision.Level != auditapi.LevelNone {
		t.Errorf("what is no resource: %s", decision.Level)
	}
}

// The kubeconfig of the webhook is one that clients read.
func TestAuditWebhookKubeconfig(t *testing.T) {
	config, err := clientcmd.LoadFromFile("audit/webhook.kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	current := config.Contexts[config.CurrentContext]
	if cluster := config.Clusters[current.Cluster]; !strings.HasPrefix(cluster.Server, "https://") || cluster.CertificateAuthority == "" {
		t.Errorf("%+v", cluster)
	}
	if user := config.AuthInfos[current.AuthInfo]; user.ClientCertificate == "" || user.ClientKey == "" {
		t.Errorf("%+v", user)
	}
}
