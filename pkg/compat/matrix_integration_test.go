//go:build integration && unix

package compat

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

// wholeMatrix makes a version that is not built a failure; `make compat-matrix` sets it.
var wholeMatrix = flag.Bool("matrix", false, "fail when a Kubernetes version of hack/kube is not built")

// matrixServer is a Kubernetes API server of one release, without controllers, that is there to be asked.
type matrixServer struct {
	version appbur.KubeVersion
	config  *rest.Config
	served  map[appbur.GroupKind][]string
}

// everything turns on every API that is off by default, and the features without which some are not served. Not among
// them is the one that refuses all writing until every server has told its storage versions, and what needs it.
func everything(v appbur.KubeVersion) []string {
	features := "AllAlpha=true,AllBeta=true,StorageVersionAPI=false"
	if v.AtLeast(1, 28) {
		features += ",UnknownVersionInteroperabilityProxy=false"
	}
	return []string{"--runtime-config=api/all=true", "--feature-gates=" + features}
}

// eachServer runs a subtest for every version that hack/kube pins. The oldest and the newest must be there. One between
// that is not built is skipped by name: `make compat-matrix` builds them all, and there nothing is skipped.
func eachServer(t *testing.T, test func(*testing.T, appbur.KubeVersion, kubebuild.Binaries)) {
	t.Helper()
	versions := matrixVersions(t)
	for i, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			binaries, err := testcluster.LocateBinaries(t.Context(), v, func(message string) { t.Log("WARNING: " + message) })
			var missing *kubebuild.MissingError
			switch {
			case errors.As(err, &missing) && !*wholeMatrix && i > 0 && i < len(versions)-1:
				t.Skipf("Kubernetes %s is not built, so it was not asked: `make compat-matrix` builds and asks all", v)
			case err != nil:
				t.Fatalf("%v\nhint: %s", err, appbur.HintOf(err))
			}
			binaries.ControllerManager = "" // what it makes would be in the way, and takes time
			test(t, v, binaries)
		})
	}
}

// matrixVersions lists what hack/kube pins, oldest first.
func matrixVersions(t *testing.T) []appbur.KubeVersion {
	t.Helper()
	sources, err := kubebuild.FindSources(".")
	if err != nil {
		t.Fatal(err)
	}
	versions, err := sources.Versions()
	if err != nil {
		t.Fatal(err)
	}
	if len(versions) < 7 || versions[len(versions)-1] != kubeVersion(t, newest) {
		t.Fatalf("hack/kube pins %v, want seven versions and %s as the newest", versions, newest)
	}
	return versions
}

// startMatrixServer starts an API server alone. Nothing makes service accounts there, so pods need none.
func startMatrixServer(t *testing.T, v appbur.KubeVersion, binaries kubebuild.Binaries, arguments ...string) *matrixServer {
	t.Helper()
	cluster := testcluster.NewWith(t, testcluster.Options{
		Version: v, Binaries: binaries,
		APIServerArgs: append([]string{"--disable-admission-plugins=ServiceAccount"}, arguments...),
	})
	client, err := discovery.NewDiscoveryClientForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	config := cluster.RESTConfig()
	config.WarningHandler = rest.NoWarnings{} // that old versions are deprecated is why they are asked about
	return &matrixServer{version: v, config: config, served: allKinds(t, client)}
}

// allKinds reads every kind that a server serves, those that are never stored among them.
func allKinds(t *testing.T, client discovery.DiscoveryInterface) map[appbur.GroupKind][]string {
	t.Helper()
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	served := map[appbur.GroupKind][]string{}
	for _, list := range lists {
		for _, resource := range list.APIResources {
			gvk := servedKind(list, resource)
			if strings.HasSuffix(gvk.Kind, "Options") {
				continue // of a connection to a pod, a node or a service: nothing that is written down
			}
			served[gvk.GroupKind()] = append(served[gvk.GroupKind()], gvk.Version)
		}
	}
	return served
}

// servedKind is the kind of a resource, whose group and version are those of its list unless it says otherwise.
func servedKind(list *metav1.APIResourceList, resource metav1.APIResource) GroupVersionKind {
	gvk, _ := GVKOf(map[string]any{"apiVersion": list.GroupVersion, "kind": resource.Kind})
	if resource.Version != "" {
		gvk.Group, gvk.Version = resource.Group, resource.Version
	}
	return gvk
}

// servedUnseen are what discovery does not show although the server takes it.
var servedUnseen = map[GroupVersionKind]string{
	{"policy", "v1beta1", "Eviction"}: "pods/eviction names one version in discovery, and takes two until 1.24",
}

// TestMatrixLifecycle compares the lifecycle table with what each server serves, by default and with everything on.
func TestMatrixLifecycle(t *testing.T) {
	eachServer(t, func(t *testing.T, v appbur.KubeVersion, binaries kubebuild.Binaries) {
		table := TableTarget(v)
		byDefault := startMatrixServer(t, v, binaries)
		all := startMatrixServer(t, v, binaries, everything(v)...)

		for gvk := range lifecycle().lives {
			if servedUnseen[gvk] != "" {
				continue
			}
			on, could := slices.Contains(byDefault.served[gvk.GroupKind()], gvk.Version), slices.Contains(all.served[gvk.GroupKind()], gvk.Version)
			switch answer := table.Serves(gvk.Group, gvk.Version, gvk.Kind); {
			case answer == Yes && !on:
				t.Errorf("%s: the table says served, the server does not serve it (with everything on: %v)", gvk, could)
			case answer == Unsure && on:
				t.Errorf("%s: the table is unsure, the server serves it by default", gvk)
			case answer == Unsure && !could:
				t.Errorf("%s: the table says that it can be turned on, with everything on it is not served", gvk)
			case answer == No && could:
				t.Errorf("%s: the table says not served, with everything on it is (by default: %v)", gvk, on)
			}
		}

		for gk, versions := range all.served {
			for _, version := range versions {
				if _, ok := Lifecycle(GroupVersionKind{Group: gk.Group, Version: version, Kind: gk.Kind}); !ok {
					t.Errorf("the server serves %s at %s, which the table does not know", gk, version)
				}
			}
		}
	})
}
