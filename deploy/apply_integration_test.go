//go:build integration

package deploy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"

	"github.com/appbur/appbur/deploy"
	"github.com/appbur/appbur/internal/testcluster"
)

// An API server takes every object as it is, to the last field, and the pods of the Deployment are
// allowed in a namespace with restricted Pod Security.
func TestInstallationIsAccepted(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			s := newServer(t, version)
			objects, err := deploy.BuildDefault()
			if err != nil {
				t.Fatal(err)
			}
			s.apply(objects)
			s.apply(build(t, components...))
			s.apply(objects) // again, as an upgrade does
			s.pods(objects)
		})
	}
}

// server is a real API server to install to.
type server struct {
	*testing.T
	client  kubernetes.Interface
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

func newServer(t *testing.T, version string) *server {
	cluster := testcluster.New(t, version)
	s := &server{T: t}
	config := cluster.RESTConfig()
	config.WarningHandler = s
	var err error
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.dynamic, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(s.client.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	s.mapper = restmapper.NewDiscoveryRESTMapper(groups)
	return s
}

// HandleWarningHeader implements [rest.WarningHandler]. A warning tells of a field that is deprecated or
// unknown, or of Pod Security.
func (s *server) HandleWarningHeader(_ int, _, text string) {
	s.Errorf("the API server warns: %s", text)
}

// apply sends the objects in their order, as `kubectl apply --server-side --validate=strict` does.
func (s *server) apply(objects []map[string]any) {
	s.Helper()
	for _, content := range objects {
		object := &unstructured.Unstructured{Object: content}
		gvk := object.GroupVersionKind()
		mapping, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			s.Fatal(err)
		}
		data, err := json.Marshal(content)
		if err != nil {
			s.Fatal(err)
		}
		force := true
		options := metav1.PatchOptions{FieldManager: "test", Force: &force, FieldValidation: metav1.FieldValidationStrict}
		var target dynamic.ResourceInterface = s.dynamic.Resource(mapping.Resource)
		if object.GetNamespace() != "" {
			target = s.dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace())
		}
		if _, err := target.Patch(s.Context(), object.GetName(), types.ApplyPatchType, data, options); err != nil {
			s.Errorf("%s %s: %v", gvk.Kind, object.GetName(), err)
		}
	}
}

// pods makes the pod that the Deployment would make, and one that asks for a little more, which is
// refused: so it is known that somebody looks.
func (s *server) pods(objects []map[string]any) {
	s.Helper()
	template := typed[appsv1.Deployment](s.T, objects, "Deployment").Spec.Template
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: template.Spec}
	pod.Namespace, pod.Name = "appbur-system", "appbur"
	created, err := s.create(pod)
	if err != nil {
		s.Fatalf("the pod is refused: %v", err)
	}
	if created.Spec.Priority == nil || *created.Spec.Priority <= 0 {
		s.Error("the pod has no priority")
	}

	for what, spoil := range map[string]func(*corev1.Pod){
		"privilege escalation": func(p *corev1.Pod) { p.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil },
		"capabilities":         func(p *corev1.Pod) { p.Spec.Containers[0].SecurityContext.Capabilities = nil },
		"root":                 func(p *corev1.Pod) { p.Spec.SecurityContext.RunAsNonRoot = nil },
		"system calls":         func(p *corev1.Pod) { p.Spec.SecurityContext.SeccompProfile = nil },
	} {
		spoiled := pod.DeepCopy()
		spoiled.Name = "spoiled"
		spoil(spoiled)
		if _, err := s.create(spoiled); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
			s.Errorf("a pod without a limit of %s: %v", what, err)
		}
	}
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c := container.SecurityContext; c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem {
			s.Errorf("%s can write to its root", container.Name)
		}
	}
}

// create waits for what controllers make first: the account's namespace and its certificates.
func (s *server) create(pod *corev1.Pod) (*corev1.Pod, error) {
	deadline := time.Now().Add(time.Minute)
	for {
		created, err := s.client.CoreV1().Pods(pod.Namespace).Create(s.Context(), pod, metav1.CreateOptions{})
		if err == nil || !apierrors.IsForbidden(err) || strings.Contains(err.Error(), "PodSecurity") || time.Now().After(deadline) {
			return created, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-s.Context().Done():
			return nil, s.Context().Err()
		}
	}
}
