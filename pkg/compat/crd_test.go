package compat

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/appbur/appbur"
)

// TestCRDConversionIsThatOfTheServer compares our conversion of every beta CRD in
// testdata with the code that kube-apiserver runs.
func TestCRDConversionIsThatOfTheServer(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*beta-crd*.txtar")
	if err != nil || len(files) < 2 {
		t.Fatalf("too few beta CRDs in testdata: %v, %v", files, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := decodeYAML(t, section(archive, "in.yaml"))
		e := &edit{object: cloneObject(in), target: TableTarget(appbur.KubeVersion{Major: 1, Minor: 22})}
		customResourceDefinition(e)
		e.object["apiVersion"] = "apiextensions.k8s.io/v1"

		want := serverConversion(t, in)
		// Ours goes through the same Go type, so that only meaning is compared.
		got := throughV1(t, e.object)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-server +ours):\n%s", file, diff)
		}
	}
}

// serverConversion defaults and converts as the server does.
func serverConversion(t *testing.T, in map[string]any) map[string]any {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apiextensions.AddToScheme, apiextensionsv1beta1.AddToScheme,
		apiextensionsv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}

	var old apiextensionsv1beta1.CustomResourceDefinition
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(in, &old); err != nil {
		t.Fatal(err)
	}
	scheme.Default(&old)
	var internal apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&old, &internal, nil); err != nil {
		t.Fatal(err)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := scheme.Convert(&internal, &v1, nil); err != nil {
		t.Fatal(err)
	}
	return normalized(t, &v1)
}

func throughV1(t *testing.T, obj map[string]any) map[string]any {
	t.Helper()
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(cloneObject(obj), &v1, true); err != nil {
		t.Fatalf("our result has fields that v1 does not know: %v", err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	return normalized(t, &v1)
}

func normalized(t *testing.T, v1 *apiextensionsv1.CustomResourceDefinition) map[string]any {
	t.Helper()
	v1.APIVersion, v1.Kind = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
	if v1.Spec.Conversion != nil && v1.Spec.Conversion.Webhook != nil && v1.Spec.Conversion.Webhook.ClientConfig != nil {
		if service := v1.Spec.Conversion.Webhook.ClientConfig.Service; service != nil {
			service.Port = nil // defaulted by both
		}
	}
	obj, err := runtime.DefaultUnstructuredConverter.ToUnstructured(v1)
	if err != nil {
		t.Fatal(err)
	}
	delete(obj, "status")
	return obj
}
