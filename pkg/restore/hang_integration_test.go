//go:build integration

package restore

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/faultproxy"
)

// requestsThatHang are not answered by what is between: a server gives its requests up after a
// minute, a proxy never does. They are given up, and sent again.
func (r *theTarget) requestsThatHang(t *testing.T) {
	proxy := faultproxy.New(t, r.config, faultproxy.HTTP2)
	proxy.Set(faultproxy.Rule{Times: 2, Fault: proxy.Hang(), Match: func(q *http.Request) bool {
		return q.Method != http.MethodGet && strings.Contains(q.URL.Path, "/configmaps")
	}})
	config := proxy.RESTConfig()
	config.Timeout = 2 * time.Second
	cluster, err := NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}

	plan := r.planOf(t, Policy{}, decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hangs, namespace: default, uid: h}\ndata: {a: b}\n"))
	report, err := Apply(t.Context(), plan, cluster, nil)
	if err != nil || report.Counts.Created+report.Counts.Configured != 1 || proxy.Hits(0) != 2 {
		t.Errorf("%d hung, %+v, %v", proxy.Hits(0), report.Counts, err)
	}
	mustBeOK(t, r.verify(t, plan))
}
