//go:build integration

package helm

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/kube"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// Helm installs the chart on a real API server, upgrades it, and leaves nothing of it behind. The pods are allowed in a
// namespace with restricted Pod Security.
func TestChartIsInstalled(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			cluster := testcluster.New(t, version)
			client, err := kubernetes.NewForConfig(cluster.RESTConfig())
			if err != nil {
				t.Fatal(err)
			}
			restricted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
			}}
			if _, err := client.CoreV1().Namespaces().Create(t.Context(), restricted, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			h := newHelm(t, cluster.Kubeconfig)

			h.install(`{}`)
			templated(t, client)
			h.upgrade(`{replicas: 2, configuration: {watch: {quiet: 5s}}, podAnnotations: {team: a}}`)
			deployment, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "appbur", metav1.GetOptions{})
			if err != nil || *deployment.Spec.Replicas != 2 {
				t.Fatalf("after the upgrade: %v, %v", deployment.Spec.Replicas, err)
			}
			configured, err := client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "appbur", metav1.GetOptions{})
			if err != nil || !strings.Contains(configured.Data["appbur.yaml"], "quiet: 5s") {
				t.Errorf("%v, %v", configured, err)
			}
			if _, err := client.PolicyV1().PodDisruptionBudgets(namespace).Get(t.Context(), "appbur", metav1.GetOptions{}); err != nil {
				t.Error(err)
			}

			h.uninstall()
			_, err = client.AppsV1().Deployments(namespace).Get(t.Context(), "appbur", metav1.GetOptions{})
			_, roleErr := client.RbacV1().ClusterRoles().Get(t.Context(), "appbur", metav1.GetOptions{})
			_, classErr := client.SchedulingV1().PriorityClasses().Get(t.Context(), "appbur", metav1.GetOptions{})
			for _, err := range []error{err, roleErr, classErr} {
				if !apierrors.IsNotFound(err) {
					t.Errorf("something stays: %v", err)
				}
			}
		})
	}
}

// templated makes the pod that the Deployment would make.
func templated(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	deployment, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "appbur", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: deployment.Spec.Template.ObjectMeta, Spec: deployment.Spec.Template.Spec}
	pod.Name, pod.Namespace = "one", namespace
	if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Errorf("the pod is refused: %v", err)
	}
}

// installer is Helm for one release.
type installer struct {
	*testing.T
	actions *action.Configuration
}

func newHelm(t *testing.T, kubeconfig string) *installer {
	t.Helper()
	settings := cli.New()
	settings.KubeConfig = kubeconfig
	settings.SetNamespace(namespace)
	h := &installer{t, action.NewConfiguration()}
	h.actions.SetLogger(slog.NewTextHandler(io.Discard, nil))
	if err := h.actions.Init(settings.RESTClientGetter(), namespace, "secret"); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *installer) install(values string) {
	h.Helper()
	install := action.NewInstall(h.actions)
	install.ReleaseName, install.Namespace, install.WaitStrategy = "appbur", namespace, kube.HookOnlyStrategy
	if _, err := install.RunWithContext(h.Context(), loadChart(h.T), valuesOf(h.T, values)); err != nil {
		h.Fatal(err)
	}
}

func (h *installer) upgrade(values string) {
	h.Helper()
	upgrade := action.NewUpgrade(h.actions)
	upgrade.Namespace, upgrade.WaitStrategy = namespace, kube.HookOnlyStrategy
	if _, err := upgrade.RunWithContext(h.Context(), "appbur", loadChart(h.T), valuesOf(h.T, values)); err != nil {
		h.Fatal(err)
	}
}

func (h *installer) uninstall() {
	h.Helper()
	uninstall := action.NewUninstall(h.actions)
	uninstall.WaitStrategy = kube.HookOnlyStrategy
	if _, err := uninstall.Run("appbur"); err != nil {
		h.Fatal(err)
	}
}
