//go:build integration

package cli

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// keep runs a small controller until it is stopped: whenever the settings of the shop change, it reverts
// what it owns.
func (c *town) keep(t *testing.T, revert func() error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(c.client, 0, "shop", func(o *metav1.ListOptions) {
		o.FieldSelector = "metadata.name=settings"
	})
	informer := factory.ForResource(shopResources["ConfigMap"]).Informer()
	colour := func(object any) string {
		settings, ok := object.(*unstructured.Unstructured)
		if !ok {
			return ""
		}
		text, _, _ := unstructured.NestedString(settings.Object, "data", "colour")
		return text
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, now any) {
		if colour(now) != "held" {
			_ = revert() // another event follows a failure
		}
	}})
	if err != nil {
		t.Fatal(err)
	}

	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return func() { cancel(); factory.Shutdown() }
}

// untilColour waits until the controller has had its way.
func (c *town) untilColour(t *testing.T, want string) {
	t.Helper()
	for {
		text, _, _ := unstructured.NestedString(c.get(t, "ConfigMap", "shop", "settings").Object, "data", "colour")
		if text == want {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
