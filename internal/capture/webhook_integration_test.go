//go:build integration

package capture_test

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/faultproxy"
)

// TestConversionWebhook reads a kind that is stored at another version than it is read
// at, with a webhook between that does not answer. Its file is the last of the package,
// because the cluster needs a while to recover.
func TestConversionWebhook(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // the clusters have nothing in common
			w := newWorld(t, version, faultproxy.HTTP2)
			w.create("namespaces", object("v1", "Namespace", "", "converted", nil))
			w.storeGadgets("converted", "one", "two")
			w.awaitGadgets()
			w.mustBackup(w.archive)
			before := w.tree(t)
			w.convertGadgets(unreachableWebhook)

			t.Cleanup(func() {
				// Newer servers need a quarter of a minute until they convert again; nobody
				// waits for the definition to go.
				w.convertGadgets(map[string]any{"strategy": "None"})
				_ = w.client.Resource(definitions).Delete(w.ctx, "gadgets.conversion.example.org", metav1.DeleteOptions{})
			})

			w.eventually("conversion fails", func() error {
				if _, err := w.client.Resource(gadgets).List(w.ctx, metav1.ListOptions{}); err == nil {
					return errors.New("gadgets are still converted")
				}
				return nil
			})

			s := &scene{world: w}
			s.drive(cause{holes: []string{"Gadget.conversion.example.org: its objects cannot be converted to the version that is read: "}}, before)
		})
	}
}
