//go:build integration

package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// TestAStoreRestoredFromACopy has the daemon watch a real cluster whose etcd is
// replaced by an earlier copy of itself. Main follows without a restart: what was
// deleted since is back, what came since is gone, and what is new is there.
func TestAStoreRestoredFromACopy(t *testing.T) {
	w := newWorld(t, "1.24.17", faultproxy.HTTP2)
	w.create("namespaces", object("v1", "Namespace", "", "rewound", nil))
	for _, name := range []string{"changed", "deleted", "kept"} {
		w.create("configmaps", configMap("rewound", name))
	}
	copied := filepath.Join(t.TempDir(), "store")
	if err := w.cluster.CopyStore(t.Context(), copied); err != nil {
		t.Fatal(err)
	}

	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := options
	o.Log = log
	o.Attend = time.Hour // revisions may have passed the old ones before anybody looks; the outage must do
	source, err := exporter.New(w.cluster.RESTConfig(), manifest.Default(), o)
	if err != nil {
		t.Fatal(err)
	}
	writer := w.writer(w.archive)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, source, writer, daemon.Options{
			Quiet: 100 * time.Millisecond, Limit: time.Second, Now: time.Now, Log: log,
			Forget: func(ctx context.Context, known appbur.Coverage) error {
				_, err := capture.ForgetKinds(ctx, source, writer, known)
				return err
			},
		})
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	// holds compares the ConfigMaps of the namespace on main with what is wanted, by name
	// and value. Main is read once and its blobs by id, because it moves meanwhile.
	holds := func(want map[string]string) error {
		found := 0
		for path, blob := range w.tree(t) {
			name, ours := strings.CutPrefix(path, "namespaces/rewound/configmap/")
			if !ours {
				continue
			}
			value, wanted := want[strings.TrimSuffix(name, ".yaml")]
			if text := w.git(t, "cat-file", "blob", blob); !wanted || !strings.Contains(text, "a: "+value+"\n") {
				return fmt.Errorf("%s is on main:\n%s", path, text)
			}
			found++
		}
		if found != len(want) {
			return fmt.Errorf("%d of %d files are on main", found, len(want))
		}
		return nil
	}
	state := map[string]string{"changed": "changed", "deleted": "deleted", "kept": "kept"}
	w.eventually("the first commit", func() error { return holds(state) })

	changed := &unstructured.Unstructured{Object: configMap("rewound", "changed")}
	changed.Object["data"] = map[string]any{"a": "newer"}
	if _, err := w.resource(configMaps, "rewound").Update(t.Context(), changed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.remove(configMaps, "rewound", "deleted")
	later := map[string]string{"changed": "newer", "kept": "kept"}
	for i := range 40 {
		name := fmt.Sprintf("later-%d", i)
		w.create("configmaps", configMap("rewound", name))
		later[name] = name
	}
	w.eventually("the changes", func() error { return holds(later) })

	if err := w.cluster.RestoreStore(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	w.create("configmaps", configMap("rewound", "fresh"))
	defer w.remove(configMaps, "rewound", "fresh") // the cluster is also that of other tests
	state["fresh"] = "fresh"
	w.eventually("the earlier state", func() error { return holds(state) })
}
