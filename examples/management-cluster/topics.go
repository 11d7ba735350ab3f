package managementcluster

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed manifests/*.yaml
var manifests embed.FS

// topic is one file of manifests and the tool that a real cluster would have
// received it from.
type topic struct {
	file string
	// manager is the field manager that creates the objects, as the tool names
	// itself. It is what is left in a cluster of who did something.
	manager string
	// lastApplied leaves the annotation of client-side kubectl apply behind.
	lastApplied bool
}

const (
	kubectlApply  = "kubectl-client-side-apply"
	kubectlCreate = "kubectl-create"
	clusterctl    = "clusterctl"
	helm          = "helm"
	flux          = "kustomize-controller"
	crossplane    = "crossplane"
	capiManager   = "manager" // what controller-runtime programs call themselves
	onboarding    = "northwind-onboarding"
)

// topics are all files in the order of loading.
var topics = []topic{
	{file: "00-namespaces.yaml", manager: kubectlApply, lastApplied: true},
	{file: "05-crds-cluster-api.yaml", manager: clusterctl},
	{file: "06-crds-crossplane.yaml", manager: crossplane},
	{file: "07-crds-argocd.yaml", manager: kubectlApply, lastApplied: true},
	{file: "10-classes.yaml", manager: kubectlApply, lastApplied: true},
	{file: "11-volumes.yaml", manager: kubectlCreate},
	{file: "20-cluster-api.yaml", manager: clusterctl},
	{file: "21-crossplane.yaml", manager: helm},
	{file: "22-argocd.yaml", manager: kubectlApply, lastApplied: true},
	{file: "23-ingress-nginx.yaml", manager: kubectlApply, lastApplied: true},
	{file: "24-monitoring.yaml", manager: helm},
	{file: "25-fleet.yaml", manager: flux},
	{file: "30-claims.yaml", manager: kubectlCreate},
	{file: "40-teams.yaml", manager: onboarding},
	{file: "50-cluster-payments.yaml", manager: capiManager},
	{file: "51-cluster-search.yaml", manager: capiManager},
	{file: "52-cluster-logistics.yaml", manager: capiManager},
	{file: "55-databases.yaml", manager: crossplane},
	{file: "56-applications.yaml", manager: "argocd-server"},
	{file: "60-tenants.yaml", manager: kubectlApply, lastApplied: true},
	{file: "70-awkward-text.yaml", manager: kubectlCreate},
	{file: "80-pod-security.yaml", manager: kubectlApply, lastApplied: true},
	{file: "85-flow-control.yaml", manager: kubectlCreate},
	{file: "90-admission.yaml", manager: clusterctl},
	{file: "95-quotas.yaml", manager: onboarding},
}

// read returns the text of the file.
func (t topic) read() ([]byte, error) {
	data, err := fs.ReadFile(manifests, "manifests/"+t.file)
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	return data, nil
}
