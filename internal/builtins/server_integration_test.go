//go:build integration

package builtins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// server is a real cluster, and how the tests speak to it: by plain requests, so that
// the bytes that are sent are those of the manifest.
type server struct {
	t         *testing.T
	url       string
	client    *http.Client
	exporter  *exporter.Exporter
	target    restore.Cluster
	version   appbur.KubeVersion
	resources map[appbur.GroupKind]resource
	// readOnly are the kinds that can be listed and not created.
	readOnly []string
}

// resource is a kind that can be created, at its most stable served version.
type resource struct {
	schema.GroupVersionResource
	namespaced bool
	// others are the less stable versions.
	others []string
}

func newServer(t *testing.T, kube string, args ...string) *server {
	t.Helper()
	v, err := appbur.ParseKubeVersion(kube)
	if err != nil {
		t.Fatal(err)
	}
	cfg := testcluster.NewWith(t, testcluster.Options{Version: v, APIServerArgs: args}).RESTConfig()
	s := &server{t: t, url: cfg.Host}
	if s.client, err = rest.HTTPClientFor(cfg); err != nil {
		t.Fatal(err)
	}
	if s.exporter, err = exporter.New(cfg, manifest.Default(), exporter.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.target, err = restore.NewCluster(cfg); err != nil {
		t.Fatal(err)
	}
	s.version = v
	s.discover(cfg)
	return s
}

// discover lists what the server says it can create, by a client of its own and not by
// that of the exporter, which is under test.
func (s *server) discover(cfg *rest.Config) {
	t := s.t
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[appbur.GroupKind]resource)

	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range list.APIResources {
			if !manifest.IsBuiltIn(gv.Group) {
				t.Errorf("group %s is not known as built in", gv.Group)
			}
			kind := appbur.GroupKind{Group: gv.Group, Kind: each.Kind}
			if strings.Contains(each.Name, "/") {
				continue
			}
			if !slices.Contains(each.Verbs, "create") {
				s.readOnly = append(s.readOnly, kind.String())
				continue
			}
			now, seen := found[kind]
			switch {
			case !seen:
				found[kind] = resource{GroupVersionResource: gv.WithResource(each.Name), namespaced: each.Namespaced}
				continue
			case version.CompareKubeAwareVersionStrings(gv.Version, now.Version) > 0:
				now.others = append(now.others, now.Version)
				now.Version = gv.Version
			default:
				now.others = append(now.others, gv.Version)
			}
			found[kind] = now
		}
	}

	s.resources = found
}

// path is where an object, or with an empty name all objects of a namespace, lie.
func (r resource) path(namespace, name string) string {
	path := "/apis/" + r.Group + "/" + r.Version
	if r.Group == "" {
		path = "/api/" + r.Version
	}
	if r.namespaced {
		path += "/namespaces/" + namespace
	}
	path += "/" + r.Resource
	if name != "" {
		path += "/" + name
	}
	return path
}

// send makes one request as kubectl makes it. The query is appended to the path.
func (s *server) send(method, path, contentType string, body []byte) (int, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "kubectl/test")
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// accept sends until the server accepts: a namespace needs a moment until Pods may be
// made in it, and a definition until it is served. What is wrong with the object
// itself fails at once.
func (s *server) accept(method, path, contentType string, body []byte) error {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		code, answer := s.send(method, path, contentType, body)
		switch {
		case code < 300:
			return nil
		case code == http.StatusUnprocessableEntity, code == http.StatusBadRequest, code == http.StatusConflict, time.Now().After(deadline):
			var status metav1.Status
			_ = json.Unmarshal(answer, &status)
			return fmt.Errorf("%d: %s", code, status.Message)
		}
	}
}

// create creates an object that is not saved anywhere yet.
func (s *server) create(gvr resource, namespace string, body []byte) {
	s.t.Helper()
	if err := s.accept(http.MethodPost, gvr.path(namespace, "")+"?fieldManager=tester", "application/yaml", body); err != nil {
		s.t.Errorf("create %s: %v\n%s", gvr.Resource, err, body)
	}
}

// captured is what one capture saw.
type captured struct {
	results  map[string]manifest.Result
	coverage appbur.Coverage
}

func (s *server) capture() captured {
	s.t.Helper()
	c := captured{results: make(map[string]manifest.Result)}
	var mutex sync.Mutex

	var err error
	c.coverage, err = s.exporter.Capture(s.t.Context(), func(_ exporter.Type, r manifest.Result) error {
		mutex.Lock()
		defer mutex.Unlock()
		if before, twice := c.results[r.Manifest.ID.String()]; twice {
			s.t.Errorf("%s was read twice, at %s and at %s", r.Manifest.ID, before.Manifest.APIVersion, r.Manifest.APIVersion)
		}
		c.results[r.Manifest.ID.String()] = r
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}

	if !c.coverage.Complete() {
		s.t.Errorf("coverage has holes: %+v", c.coverage.Groups)
	}
	return c
}

// saved returns the manifests by path.
func (c captured) saved() map[string]manifest.Manifest {
	saved := make(map[string]manifest.Manifest)
	for _, r := range c.results {
		if r.Decision.Saved {
			saved[r.Manifest.ID.Path()] = r.Manifest
		}
	}
	return saved
}
