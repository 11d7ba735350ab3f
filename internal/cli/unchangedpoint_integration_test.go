//go:build integration

package cli

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// printing is an application that says when its state has changed.
type printing struct {
	contract.App
	token *atomic.Pointer[string]
}

func (p printing) Fingerprint(context.Context, string) ([]byte, error) {
	return []byte(*p.token.Load()), nil
}

// A schedule makes no point of a cluster and applications that have not changed since its last one, and says
// so; a change of either is one.
func TestNothingNewIsNoNewPoint(t *testing.T) {
	c := emptyTown(t, "1.37.1")
	client, err := kubernetes.NewForConfig(c.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	var token atomic.Pointer[string]
	say := func(text string) { token.Store(&text) }
	say("one")
	app := printing{contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}}), &token}
	address := serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"), app, contract.Options{
		ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})

	daemon := c.start(c.cluster, "--schedule", "often=@every 1s", "--app", "team/app="+address)
	// quiet waits for three looks in a row that find nothing new, and returns how many points there are.
	quiet := func() int {
		t.Helper()
		c.eventually("nothing is new", func() bool {
			lines := strings.Split(strings.TrimSpace(daemon.log()), "\n")
			for _, line := range lines[max(0, len(lines)-3):] {
				if !strings.Contains(line, "nothing has changed since the last restore point") {
					return false
				}
			}
			return len(lines) > 3
		})
		return len(c.points(t))
	}
	before := quiet()

	say("two")
	c.eventually("the application has changed", func() bool { return len(c.points(t)) == before+1 })
	if now := quiet(); now != before+1 {
		t.Errorf("one change of an application makes %d points", now-before)
	}

	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "new"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.eventually("the cluster has changed", func() bool { return len(c.points(t)) > before+1 })
	quiet()
	c.git("cat-file", "-e", c.points(t)[0].ID.Tag()+":namespaces/default/configmap/new.yaml")
}
