package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// A server that forgets every list half-way, or that continues where it already was,
// ends the look with an error: it is not retried for ever.
func TestListsThatNeverEndAreGivenUp(t *testing.T) {
	const page = `{"metadata":{"continue":"more"},"items":[{"metadata":{"name":"a"}}]}`
	forget := func(w http.ResponseWriter, token string, reason metav1.StatusReason) {
		if token == "" {
			fmt.Fprint(w, page)
			return
		}
		w.WriteHeader(http.StatusGone)
		if err := json.NewEncoder(w).Encode(metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Reason: reason, Code: http.StatusGone,
		}); err != nil {
			t.Error(err)
		}
	}

	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, token string)
		lists  int // how often a list begins
		want   func(error) bool
	}{
		"it expires each time": {
			func(w http.ResponseWriter, token string) { forget(w, token, metav1.StatusReasonExpired) }, 1 + mostListRestarts,
			apierrors.IsResourceExpired,
		},
		"it is gone each time": {
			func(w http.ResponseWriter, token string) { forget(w, token, metav1.StatusReasonGone) }, 1 + mostListRestarts, apierrors.IsGone,
		},
		"it stands still": {
			func(w http.ResponseWriter, _ string) { fmt.Fprint(w, page) }, 1, func(err error) bool { return errors.Is(err, errListStands) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			lists := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/api/v1" {
					fmt.Fprint(w,
						`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[{"name":"configmaps","kind":"ConfigMap","namespaced":true,"verbs":["list"]}]}`)
					return
				}
				if r.URL.Query().Get("continue") == "" {
					lists++
				}
				if lists > 2*mostListRestarts {
					panic(http.ErrAbortHandler) // the code before this test would go on for ever
				}
				c.answer(w, r.URL.Query().Get("continue"))
			}))
			defer server.Close()
			cluster, err := NewCluster(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = cluster.Existing(t.Context(), "v1", "ConfigMap"); err == nil || !c.want(err) {
				t.Errorf("got %v", err)
			}
			if lists != c.lists {
				t.Errorf("the list began %d times, want %d", lists, c.lists)
			}
		})
	}
}
