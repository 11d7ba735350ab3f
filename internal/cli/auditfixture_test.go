package cli

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// AuditStory writes mgmt.git and keys into a directory: five days of a cluster, told by
// the real writer. Nothing in it depends on the time of the test.
//
//	16 Nov  the cluster is there; Ingresses are still in the group extensions
//	17 Nov  the Deployment web has three replicas
//	18 Nov  the cluster serves Ingresses in networking.k8s.io; a restore point
//	19 Nov  Ingresses are written as v1, web has a new image; in the afternoon the
//	        password of the Secret db changes
//	20 Nov  the ConfigMap settings is gone
func AuditStory(t testing.TB, dir string) {
	t.Helper()
	s := &auditStory{TB: t, repoDir: filepath.Join(dir, "mgmt.git"), keysDir: filepath.Join(dir, "keys")}
	s.time = day(16, 8)
	if _, err := repository.Create(t.Context(), s.repoDir, s.keysDir, "", nil, rand.Reader, s.now); err != nil {
		t.Fatal(err)
	}
	s.version = appbur.KubeVersion{Major: 1, Minor: 21, Patch: 14}

	s.commit(day(16, 9), nil,
		object("v1", "Namespace", "", "team-a", nil), object("v1", "Namespace", "", "team-b", nil),
		deployment("team-a", 2, "web:1"), deployment("team-b", 1, "web:1"),
		ingress("extensions/v1beta1"), secret("aHVudGVyMg=="),
		object("v1", "ConfigMap", "team-a", "settings", map[string]any{"data": map[string]any{"colour": "blue"}}))
	s.commit(day(17, 9), nil, deployment("team-a", 3, "web:1"))
	s.version = appbur.KubeVersion{Major: 1, Minor: 22, Patch: 17}
	s.commit(day(18, 9), []appbur.ObjectID{{Group: "extensions", Kind: "Ingress", Namespace: "team-a", Name: "web"}},
		ingress("networking.k8s.io/v1beta1"))
	s.point()
	s.commit(day(19, 9), nil, ingress("networking.k8s.io/v1"), deployment("team-a", 3, "web:2"))
	s.commit(day(19, 15), nil, secret("Y29ycmVjdCBob3JzZQ=="))
	s.commit(day(20, 9), []appbur.ObjectID{{Kind: "ConfigMap", Namespace: "team-a", Name: "settings"}}, deployment("team-b", 2, "web:1"))
}

// AuditTampering adds a commit that appbur did not sign.
func AuditTampering(t testing.TB, dir string) {
	t.Helper()
	git, err := gitsync.Open(filepath.Join(dir, "mgmt.git"))
	if err != nil {
		t.Fatal(err)
	}
	tip, err := git.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}

	edit, err := git.Edit(tip)
	if err != nil {
		t.Fatal(err)
	}
	path := appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "team-b", Name: "web"}.Path()
	if _, err := edit.Remove(path); err != nil {
		t.Fatal(err)
	}
	mallory := gitsync.Person{Name: "Mallory", Email: "mallory@example.com"}
	if _, err := git.Commit(t.Context(), gitsync.MainRef, edit,
		gitsync.CommitInfo{Author: mallory, Committer: mallory, Time: day(20, 10), Subject: "Tidy up"}); err != nil {
		t.Fatal(err)
	}
}

type auditStory struct {
	testing.TB
	repoDir, keysDir string
	time             time.Time
	version          appbur.KubeVersion
	last             repository.Outcome
}

func day(d, hour int) time.Time { return time.Date(2026, 11, d, hour, 0, 0, 0, time.UTC) }

func (s *auditStory) now() time.Time { return s.time }

func (s *auditStory) cluster() appbur.Cluster { return appbur.Cluster{ID: "c1", Version: s.version} }

func (s *auditStory) open() (*repository.Repository, *keyring.Keys) {
	s.Helper()
	repo, err := repository.Open(s.repoDir)
	if err != nil {
		s.Fatal(err)
	}
	keys, err := keyring.Load(s.keysDir)
	if err != nil {
		s.Fatal(err)
	}
	return repo, keys
}

func (s *auditStory) commit(at time.Time, gone []appbur.ObjectID, objects ...map[string]any) {
	s.Helper()
	s.time = at
	repo, keys := s.open()
	rules, err := repo.ManifestRules()
	if err != nil {
		s.Fatal(err)
	}
	writer, err := repo.Begin(s.cluster(), "1", keys, repository.Guards{}, rand.Reader, s.now)
	if err != nil {
		s.Fatal(err)
	}

	for _, object := range objects {
		result, err := rules.Make(object)
		if err == nil {
			err = writer.Put(result)
		}
		if err != nil {
			s.Fatal(err)
		}
	}

	for _, id := range gone {
		if err := writer.Delete(id, manifest.Revision{}); err != nil {
			s.Fatal(err)
		}
	}

	if s.last, err = writer.Commit(s.Context(), at, appbur.Coverage{}); err != nil || !s.last.Committed {
		s.Fatalf("commit: %+v, %v", s.last, err)
	}
}

func (s *auditStory) point() {
	s.Helper()
	repo, keys := s.open()
	if _, err := repo.SavePoint(s.Context(), s.last.Commit, repository.PointContent{
		Created: s.time, Cluster: s.cluster(), Rules: "1", Objects: s.last.Objects, Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	}, keys, rand.Reader, s.now); err != nil {
		s.Fatal(err)
	}
}

func object(apiVersion, kind, namespace, name string, fields map[string]any) map[string]any {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
	for key, value := range fields {
		o[key] = value
	}
	return o
}

func deployment(namespace string, replicas int64, image string) map[string]any {
	return object("apps/v1", "Deployment", namespace, "web", map[string]any{"spec": map[string]any{
		"replicas": replicas,
		"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
		"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": image}}},
		},
	}})
}

func ingress(apiVersion string) map[string]any {
	backend := map[string]any{"serviceName": "web", "servicePort": int64(80)}
	key := "backend"
	if apiVersion == "networking.k8s.io/v1" {
		backend = map[string]any{"service": map[string]any{"name": "web", "port": map[string]any{"number": int64(80)}}}
		key = "defaultBackend"
	}
	return object(apiVersion, "Ingress", "team-a", "web", map[string]any{"spec": map[string]any{key: backend, "ingressClassName": "nginx"}})
}

func secret(password string) map[string]any {
	return object("v1", "Secret", "team-a", "db",
		map[string]any{"type": "Opaque", "data": map[string]any{"user": "YWRt", "password": password}})
}
