// Package deploy holds what installs appbur in a cluster: a kustomize base with components, and a Helm chart that
// hack/chart makes of them.
//
// The usual way in, for whoever checks or converts it:
//
//	objects, err := deploy.Build("components/ha", "components/metrics")
//
// The manifests are what is read; `kubectl apply -k deploy/` needs no Go. docs/install.md tells how they are used.
package deploy

//go:generate sh -c "go run ../cmd/appbur rbac --all-types --config base/appbur.yaml > base/rbac.yaml"
//go:generate go run ../hack/chart chart
