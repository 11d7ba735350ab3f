//go:build integration

package daemon_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/audit/logfile"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/exporter"
)

// site is a cluster whose API server keeps an audit log, and a repository of it.
type site struct {
	*testing.T
	*testcluster.Cluster
	repo, keys, log string
	ledger          *audit.Ledger
}

var people = []string{"alice", "bob", "Carol@example.com"}

func newSite(t *testing.T, version string) *site {
	t.Helper()
	v, err := appbur.ParseKubeVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := filepath.Abs("../../deploy/audit/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &site{T: t, repo: filepath.Join(dir, "mgmt.git"), keys: filepath.Join(dir, "keys"), log: filepath.Join(dir, "audit.log")}
	s.ledger = audit.NewLedger(audit.Limits{}, time.Now)
	s.Cluster = testcluster.NewWith(t, testcluster.Options{Version: v, Users: people, APIServerArgs: []string{
		"--audit-policy-file=" + policy, "--audit-log-path=" + s.log,
	}})
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "people"},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
	}
	for _, name := range people {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: name})
	}
	s.must(s.as(s.RESTConfig(), "admin").RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}))
	if _, err := repository.Create(t.Context(), s.repo, s.keys, "", nil, rand.Reader, time.Now); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) must(_ any, err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) as(config *rest.Config, agent string) kubernetes.Interface {
	s.Helper()
	config.UserAgent = agent
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.Fatal(err)
	}
	return client
}

// follow takes in what the audit log says, until it is stopped.
func (s *site) follow() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		intake := audit.NewIntake(s.ledger, time.Now)
		logfile.New(intake, logfile.Options{Path: s.log, State: s.log + ".state", Every: 20 * time.Millisecond}).Run(ctx)
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	s.Cleanup(stop)
	return stop
}

// start runs a daemon; ledger says whether it asks who made changes.
func (s *site) start(asks bool, grace time.Duration) (stop func()) {
	s.Helper()
	repo, err := repository.Open(s.repo)
	if err != nil {
		s.Fatal(err)
	}
	keys, err := keyring.Load(s.keys)
	if err != nil {
		s.Fatal(err)
	}
	rules, err := repo.ManifestRules()
	if err != nil {
		s.Fatal(err)
	}
	late := daemon.NewLateFacts()
	source, err := exporter.New(s.RESTConfig(), rules, exporter.Options{Rewound: func() { s.ledger.Reset(); late.Reset() }})
	if err != nil {
		s.Fatal(err)
	}
	cluster, err := source.Cluster(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	writer, err := repo.Begin(cluster, rules.Version(), keys, repository.Guards{}, rand.Reader, time.Now)
	if err != nil {
		s.Fatal(err)
	}
	writer.Follow()
	o := daemon.Options{
		Quiet: 300 * time.Millisecond, Limit: 2 * time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler), First: writer.Empty(),
		Status: &daemon.Status{},
	}

	if asks {
		s.ledger.OnLate(late.Tell)
		writer.Attribute(s.ledger)
		o.Undecided, o.Grace, o.Committed = writer.Undecided, grace, late.Committed
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := daemon.Run(ctx, source, writer, o); err != nil {
			s.Error(err)
		}
	})
	running.Go(func() {
		late.Run(ctx, 100*time.Millisecond, func(ctx context.Context, facts []repository.LateFact) error {
			return repo.Annotate(ctx, keys, cluster.ID, facts, time.Now())
		}, slog.Default())
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	s.Cleanup(stop)
	s.await("all is listed, and what happens from now on is watched", func() bool { return o.Status.Listed() == nil })
	return stop
}

func (s *site) git(args ...string) string {
	s.Helper()
	command := exec.Command("git", append([]string{"-C", s.repo}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := command.Output()
	if err != nil {
		return "" // what is looked for is not there
	}
	return string(out)
}

func (s *site) await(what string, done func() bool) {
	s.Helper()
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			s.Fatalf("%s: not within a minute\n%s", what, s.git("log", "--format=%h %an %s %(trailers:key=Appbur-Actor,valueonly,separator=%x2C)"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// work has people write objects at once: each says in its content who wrote it, and deleted tells who deleted it. Some
// objects belong to one worker, and all work on the shared one.
func (s *site) work(run, steps int, deleted *sync.Map) {
	s.Helper()
	var running sync.WaitGroup
	for worker, name := range people {
		config := s.RESTConfigOf(name)
		maps := s.as(config, "kubectl").CoreV1().ConfigMaps("default")
		random := mathrand.New(mathrand.NewPCG(uint64(run), uint64(worker)))
		running.Go(func() {
			generation := map[int]int{}
			for i := range steps {
				slot := random.IntN(4)
				object := fmt.Sprintf("r%d-w%d-%d-%d", run, worker, slot, generation[slot])
				by := fmt.Sprintf("%s %d", name, i)
				patch, _ := json.Marshal(map[string]any{"data": map[string]any{"by": by}})
				ctx, content := s.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: object}, Data: map[string]string{"by": by}}
				var err error
				switch choice := random.IntN(10); {
				case choice < 3:
					_, err = maps.Patch(ctx, "shared", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
				case choice == 3 && generation[slot] >= 0:
					if err = maps.Delete(ctx, object, metav1.DeleteOptions{}); err == nil {
						deleted.Store(object, name)
						generation[slot]++
					} else {
						err = nil // there is none yet
					}
				default:
					if _, err = maps.Patch(ctx, object, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
						_, err = maps.Create(ctx, content, metav1.CreateOptions{})
					}
				}
				if err != nil {
					s.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	running.Wait()
}

// settled waits until main has what the cluster has, and says so of one reading.
func (s *site) settled() (tip string) {
	s.Helper()
	list, err := s.as(s.RESTConfig(), "admin").CoreV1().ConfigMaps("default").List(s.Context(), metav1.ListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	s.await("main is equal to the cluster", func() bool {
		tip = strings.TrimSpace(s.git("rev-parse", "main"))
		files := strings.Split(strings.TrimSpace(s.git("ls-tree", "--name-only", tip, "namespaces/default/configmap/")), "\n")
		have := map[string]string{}
		for _, file := range files {
			have[strings.TrimSuffix(filepath.Base(file), ".yaml")] = file
		}
		expected := 0
		for _, m := range list.Items {
			if m.Data["by"] == "" {
				continue // of Kubernetes
			}
			expected++
			if !strings.Contains(s.git("show", tip+":"+have[m.Name]), "by: "+m.Data["by"]+"\n") {
				return false
			}
		}
		written := 0
		for name := range have {
			if strings.HasPrefix(name, "r") || name == "shared" {
				written++
			}
		}
		return written == expected
	})
	return tip
}

// judge counts the commits after the first of a cluster whose author is right; none is wrong.
func (s *site) judge(since string, deleted *sync.Map) (audited, others int) {
	s.Helper()
	for commit := range strings.FieldsSeq(s.git("rev-list", "--reverse", since+"..main")) {
		says := strings.Split(s.git("log", "-1", "--format=%an%n%cn%n%(trailers:key=Appbur-Actor-Source,valueonly)", commit), "\n")
		if says[1] != "appbur" {
			s.Errorf("the committer of %s is %s", commit, says[1])
		}
		if says[2] != "audit" {
			others++
			continue
		}
		audited++
		for file := range strings.FieldsSeq(s.git("diff-tree", "-r", "--no-commit-id", "--name-only", commit)) {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml")
			if !strings.HasPrefix(file, "namespaces/default/configmap/") || !strings.HasPrefix(name, "r") && name != "shared" {
				continue
			}
			s.is(commit, name, says[0], s.writer(commit, file, deleted))
		}
	}
	return audited, others
}

// writer is who wrote or deleted a file of a commit.
func (s *site) writer(commit, file string, deleted *sync.Map) string {
	s.Helper()
	if _, by, there := strings.Cut(s.git("show", commit+":"+file), "by: "); there {
		who, _, _ := strings.Cut(by, " ")
		return who
	}
	who, _ := deleted.Load(strings.TrimSuffix(filepath.Base(file), ".yaml"))
	return fmt.Sprint(who)
}

func (s *site) is(commit, object, author, want string) {
	s.Helper()
	if author != want {
		s.Errorf("%s says that %s wrote %s, which %s did:\n%s", commit, author, object, want, s.git("show", commit))
	}
}

// Whoever works at the same time, also on the same object: each commit is of who made all of it, or of nobody. What comes
// late is noted, the history stays, and without audit events no user is named.
func TestCommitsAreOfWhoMadeThem(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			s := newSite(t, version)
			var deleted sync.Map
			s.must(s.as(s.RESTConfig(), "admin").CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: "shared"}, Data: map[string]string{"by": "nobody 0"},
			}, metav1.CreateOptions{}))
			silence := s.follow()
			stop := s.start(true, 2*time.Second)
			first := s.settled()
			if got := s.git("log", "-1", "--format=%an %(trailers:key=Appbur-Actor-Source,valueonly)", first); got != "appbur unresolved\n\n" {
				t.Errorf("the first commit is of %q", got)
			}

			now := first
			for round := range 5 {
				s.work(round, 8, &deleted) // less than the commits that are made at once
				now = s.settled()
			}
			audited, others := s.judge(first, &deleted)
			t.Logf("%d commits are of their author, %d of nobody", audited, others)
			if audited < 2*others {
				t.Errorf("%d commits are of their author, %d of nobody", audited, others)
			}
			for _, name := range people {
				if s.git("log", "--author="+name, "--format=%h") == "" {
					t.Errorf("no commit is of %s", name)
				}
			}
			stop()

			// The events come after the commits.
			silence()
			stop = s.start(true, 0)
			s.work(9, 10, &deleted)
			after := s.settled()
			if audited, others := s.judge(now, &deleted); audited > 0 || others == 0 {
				t.Errorf("%d commits are of an author whom no event names, %d of nobody", audited, others)
			}
			s.follow()
			s.await("late facts are noted", func() bool { return strings.Contains(s.git("log", "--notes=appbur-actors", "main"), "Appbur-Path") })
			stop()
			s.judgeNotes(now, &deleted)
			if got := s.git("merge-base", after, "main"); strings.TrimSpace(got) != after {
				t.Error("the history was rewritten")
			}
			s.withoutEvents()
			if out, err := exec.Command("git", "-C", s.repo, "fsck", "--strict").CombinedOutput(); err != nil {
				t.Errorf("git fsck: %s", out)
			}
		})
	}
}

// judgeNotes compares what was learned later with the content of commits that have one state of one object.
func (s *site) judgeNotes(since string, deleted *sync.Map) {
	s.Helper()
	for commit := range strings.FieldsSeq(s.git("rev-list", since+"..main")) {
		named := map[string]map[string]bool{}
		for block := range strings.SplitSeq(s.git("notes", "--ref=appbur-actors", "show", commit), "\n\n") {
			_, rest, _ := strings.Cut(block, "Appbur-Path: ")
			path, rest, _ := strings.Cut(rest, "\n")
			_, who, found := strings.Cut(rest, "Appbur-Actor: ")
			if name, _, _ := strings.Cut(who, " <"); found {
				if named[path] == nil {
					named[path] = map[string]bool{}
				}
				named[path][name] = true
			}
		}
		for path, names := range named {
			if want := s.writer(commit, path, deleted); !names[want] && strings.Contains(path, "/configmap/r") && len(names) > 0 {
				s.Errorf("a note says that %v wrote %s, which %s did", names, path, want)
			}
		}
	}
}

// withoutEvents has clients of several field managers write: the one of each write is its author, and marked.
func (s *site) withoutEvents() {
	s.Helper()
	stop := s.start(false, 0)
	defer stop()
	maps := s.as(s.RESTConfigOf("alice"), "kubectl").CoreV1().ConfigMaps("default")
	content := func(value string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "managed"}, Data: map[string]string{"value": value}}
	}
	is := func(value, author, source string) {
		s.Helper()
		const path = "namespaces/default/configmap/managed.yaml"
		s.await(value+" is committed", func() bool { return strings.Contains(s.git("show", "main:"+path), "value: "+value+"\n") })
		if got := s.git("log", "-1", "--format=%an, %(trailers:key=Appbur-Actor-Source,valueonly,separator=%x2C)", "main", "--", path); got !=
			author+", "+source+"\n" {
			s.Errorf("%s is of %s", value, got)
		}
	}
	nextSecond := func() { // which is all that field managers have of the time
		now := time.Now().Unix()
		s.await("the next second", func() bool { return time.Now().Unix() > now })
	}

	s.must(maps.Create(s.Context(), content("one"), metav1.CreateOptions{FieldManager: "helm"}))
	is("one", "helm (field manager)", "field-managers")
	nextSecond()
	s.must(maps.Update(s.Context(), content("two"), metav1.UpdateOptions{FieldManager: "argocd-controller"}))
	is("two", "argocd-controller (field manager)", "field-managers")
	nextSecond()
	s.must(maps.Patch(s.Context(), "managed", types.MergePatchType, []byte(`{"data":{"value":"three"}}`), metav1.PatchOptions{}))
	is("three", "kubectl (field manager)", "field-managers")
	nextSecond()
	s.must(maps.Patch(s.Context(), "managed", types.MergePatchType, []byte(`{"data":{"value":"three","other":null}}`), metav1.PatchOptions{}))
	stop()
	s.must(maps.Patch(s.Context(), "managed", types.MergePatchType, []byte(`{"data":{"value":"four"}}`), metav1.PatchOptions{}))
	defer s.start(false, 0)()
	is("four", "appbur", "unresolved") // nobody watched
}
