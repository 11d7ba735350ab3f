//go:build integration

package gitsync_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// in is a part of a remote.
func (p place) in(t testing.TB, namespace string) place {
	t.Helper()
	n, err := gitsync.ParseNamespace(namespace)
	if err != nil {
		t.Fatal(err)
	}
	p.remote.URL = p.remote.URL.In(n)
	return p
}

// ownCluster is a repository with content that no other has: a history and two points.
func ownCluster(t testing.TB, name string) *gitsync.Repository {
	t.Helper()
	r := filled(t, 100)
	addCommit(t, r, map[string]string{"namespaces/" + name + "/configmap/own.yaml": strings.Repeat(name, 2000)})
	pointOn(t, r, "20261121T000000Z", "one of "+name)
	pointOn(t, r, "20261121T010000Z", "two of "+name)
	return r
}

// refsIn are the refs that a server has in a namespace, by the names that they have in their own repository.
func refsIn(t testing.TB, bare, namespace string) string {
	t.Helper()
	var list []string
	out := testremote.Git(t, bare, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/"+namespace+"/main",
		"refs/tags/"+namespace+"/restore-points/")
	for line := range strings.Lines(out) {
		list = append(list, strings.Replace(strings.TrimSpace(line), "/"+namespace+"/", "/", 1))
	}
	return strings.Join(list, "\n")
}

// wantIn demands that a server has in a namespace what a repository has, and no more.
func wantIn(t testing.TB, r *gitsync.Repository, bare, namespace string) {
	t.Helper()
	want := git(t, r.Dir(), "show-ref", "--heads", "--tags")
	if got := refsIn(t, bare, namespace); got != want {
		t.Fatalf("in %s the remote has\n%s\nwant\n%s", namespace, got, want)
	}
}

// Clusters share a remote of every kind, one of them without a namespace. Each pushes, clones and fetches its own, by its own
// names, and no object of another comes with it.
func TestClustersShareARemote(t *testing.T) {
	for _, p := range []place{httpsPlace(t), sshPlace(t), localPlace(t)} {
		t.Run(p.name, func(t *testing.T) {
			names := []string{"clusters/eu-1", "clusters/eu-10", "clusters/eu-1/edge", "solo"}
			clusters := map[string]*gitsync.Repository{}
			for _, name := range names {
				clusters[name] = ownCluster(t, name)
				if first := push(t, clusters[name], p.in(t, name)); first.Commits != 2 || len(first.Added) != 2 {
					t.Errorf("%s: the first push: %+v", name, first)
				}
			}
			whole := ownCluster(t, "whole")
			push(t, whole, p)
			testremote.Fsck(t, p.bare)
			if got := testremote.Git(t, p.bare, "for-each-ref", "--format=%(refname)"); len(strings.Fields(got)) != 3*(len(names)+1) {
				t.Errorf("the remote has\n%s", got)
			}

			all := len(strings.Fields(testremote.Git(t, p.bare, "rev-list", "--objects", "--all", "--no-object-names")))
			for _, name := range names {
				own := len(strings.Fields(git(t, clusters[name].Dir(), "rev-list", "--objects", "--all", "--no-object-names")))
				dir := filepath.Join(t.TempDir(), "copy.git")
				copied, done, err := gitsync.Clone(t.Context(), dir, p.in(t, name).remote, gitsync.MainRef, "restore-points/", gitsync.RemoteOptions{})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if done.Objects != own || done.Objects >= all || done.Tags != 2 {
					t.Errorf("%s: a clone brought %d objects, it has %d, and all have %d: %+v", name, done.Objects, own, all, done)
				}
				if got, want := git(t, dir, "show-ref"), git(t, clusters[name].Dir(), "show-ref"); got != want {
					t.Errorf("%s: the clone has\n%s\nwant\n%s", name, got, want)
				}
				t.Logf("%s: %d of %d objects, %d bytes", name, done.Objects, all, done.Bytes)

				pointOn(t, clusters[name], "20261121T020000Z", "three of "+name)
				if one := push(t, clusters[name], p.in(t, name)); one.Objects != 8 {
					t.Errorf("%s: a point that shares all but one file with another sent %+v", name, one)
				}
				if got, err := copied.Fetch(t.Context(), p.in(t, name).remote, fetched, gitsync.RemoteOptions{}); err != nil || len(got.Tags) != 1 {
					t.Errorf("%s: a fetch: %+v, %v", name, got, err)
				}
				wantIn(t, copied, p.bare, name)
			}

			gone := "restore-points/20261121T000000Z"
			object := gitsync.DeletedTag{Name: gone, Object: objectID(t, git(t, clusters["solo"].Dir(), "rev-parse", "refs/tags/"+gone))}
			git(t, clusters["solo"].Dir(), "update-ref", "-d", "refs/tags/"+gone)
			what := what
			what.Deleted = []gitsync.DeletedTag{object}
			for _, name := range names { // also those that have a point of this name: it is another object
				if _, err := clusters[name].Push(t.Context(), p.in(t, name).remote, what, gitsync.RemoteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			for name, r := range clusters {
				wantIn(t, r, p.bare, name)
			}
			if got, err := whole.Compare(t.Context(), p.remote, what, gitsync.RemoteOptions{}); err != nil || got.State != gitsync.RemoteUpToDate {
				t.Errorf("the one without a namespace is %+v: %v", got, err)
			}
			testremote.Fsck(t, p.bare)
		})
	}
}

func objectID(t testing.TB, text string) gitsync.Hash {
	t.Helper()
	h, err := gitsync.ParseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Clusters that push at the same moment do not hold each other up; two that claim the same namespace do, and one wins.
func TestClustersPushToOneRemoteAtOnce(t *testing.T) {
	for _, p := range []place{httpsPlace(t), sshPlace(t)} {
		t.Run(p.name, func(t *testing.T) {
			const size = 8
			clusters := make([]*gitsync.Repository, size)
			errs := make([]error, 2*size)
			for i := range clusters {
				clusters[i] = ownCluster(t, fmt.Sprintf("eu-%d", i))
			}
			var workers sync.WaitGroup
			for i := range 2 * size { // each in its own, and all in one
				namespace := fmt.Sprintf("clusters/eu-%d", i)
				if i >= size {
					namespace = "clusters/taken"
				}
				remote := p.in(t, namespace).remote
				workers.Go(func() {
					_, errs[i] = clusters[i%size].Push(t.Context(), remote, what, gitsync.RemoteOptions{})
				})
			}
			workers.Wait()

			won := 0
			for i, err := range errs {
				switch state := gitsync.StateOf(err); {
				case i < size && err != nil:
					t.Errorf("cluster %d: %v", i, err)
				case i >= size && err == nil:
					won++
					wantIn(t, clusters[i-size], p.bare, "clusters/taken")
				case i >= size && state != gitsync.RemoteMoved && state != gitsync.RemoteDiverged:
					t.Errorf("a claim of cluster %d: %v", i-size, err)
				}
			}
			if won != 1 {
				t.Errorf("%d have the same namespace", won)
			}
			for i, r := range clusters {
				wantIn(t, r, p.bare, fmt.Sprintf("clusters/eu-%d", i))
			}
			testremote.Git(t, p.bare, "symbolic-ref", "HEAD", "refs/heads/clusters/taken/main")
			testremote.Fsck(t, p.bare)
		})
	}
}

// A push that is cut off in the middle, a history that somebody rewrote, refs that are gone: it is one cluster's trouble, and
// another pushes and clones as before. Only a ref that leads to nothing stops pushes of all, because git looks at all refs
// before it takes one; clones go on.
func TestTheTroubleOfOneClusterIsNoneOfAnother(t *testing.T) {
	for _, p := range []place{httpsPlace(t), sshPlace(t)} {
		t.Run(p.name, func(t *testing.T) {
			through, proxy := proxied(t, p)
			sick, well := ownCluster(t, "sick"), ownCluster(t, "well")
			push(t, sick, p.in(t, "clusters/sick"))
			push(t, well, p.in(t, "clusters/well"))
			stillWell := func() {
				t.Helper()
				addCommit(t, well, map[string]string{"namespaces/x/configmap/news.yaml": time.Now().String()})
				push(t, well, p.in(t, "clusters/well"))
				wantIn(t, well, p.bare, "clusters/well")
				copied := cloneOf(t, p.in(t, "clusters/well"))
				if ours, theirs := tipOf(t, well), tipOf(t, copied); ours != theirs {
					t.Errorf("a clone is at %s, want %s", theirs, ours)
				}
			}

			cut := 0
			for _, sent := range []int64{2000, 9000} {
				noise := make([]byte, 20_000)
				for i := range noise {
					noise[i] = byte(i * i * int(sent) >> 3)
				}
				addCommit(t, sick, map[string]string{"noise": string(noise)})
				proxy.Set(testremote.Fault{Sent: sent})
				if _, err := sick.Push(t.Context(), through.in(t, "clusters/sick").remote, what, gitsync.RemoteOptions{}); err != nil {
					cut++
				}
				proxy.Set(testremote.Fault{})
				stillWell()
				push(t, sick, through.in(t, "clusters/sick"))
				wantIn(t, sick, p.bare, "clusters/sick")
			}
			if cut == 0 {
				t.Error("no push was cut off")
			}

			testremote.Git(t, p.bare, "update-ref", "refs/heads/clusters/sick/main", tipOf(t, well).String())
			_, err := sick.Push(t.Context(), p.in(t, "clusters/sick").remote, what, gitsync.RemoteOptions{})
			wantState(t, err, gitsync.RemoteDiverged)
			stillWell()

			file := filepath.Join(p.bare, "refs", "heads", "clusters", "sick", "main")
			if err := os.WriteFile(file, []byte("nonsense\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = well.Push(t.Context(), p.in(t, "clusters/well").remote, what, gitsync.RemoteOptions{})
			if addCommit(t, well, map[string]string{"x": "y"}); err != nil {
				t.Errorf("a push of nothing: %v", err)
			}
			_, err = well.Push(t.Context(), p.in(t, "clusters/well").remote, what, gitsync.RemoteOptions{})
			wantState(t, err, gitsync.RemoteBroken)
			cloneOf(t, p.in(t, "clusters/well"))

			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				t.Fatal(err)
			}
			stillWell()
			if done := push(t, sick, p.in(t, "clusters/sick")); done.Commits == 0 {
				t.Errorf("what was lost is not pushed again: %+v", done)
			}
			wantIn(t, sick, p.bare, "clusters/sick")
			testremote.Git(t, p.bare, "symbolic-ref", "HEAD", "refs/heads/clusters/well/main")
			testremote.Fsck(t, p.bare)
		})
	}
}

// Stock git reads a shared remote by what is in the file config, and by hand: it says of each tag that it is well signed
// or made, whatever the ref is called.
func TestStockGitFetchesOnePart(t *testing.T) {
	p := localPlace(t)
	one, other := ownCluster(t, "one"), ownCluster(t, "other")
	push(t, one, p.in(t, "clusters/one"))
	push(t, other, p.in(t, "clusters/other"))

	reader := newRepository(t)
	remote := gitsync.RemoteConfig{Name: "forge", URL: p.in(t, "clusters/one").remote.URL}
	if err := reader.AddRemote(t.Context(), remote); err != nil {
		t.Fatal(err)
	}
	if list, err := reader.Remotes(); err != nil || !slices.Equal(list, []gitsync.RemoteConfig{remote}) {
		t.Fatalf("%+v, %v", list, err)
	}
	git(t, reader.Dir(), "fetch", "forge")
	want := strings.ReplaceAll(git(t, one.Dir(), "show-ref"), "refs/heads/main", "refs/remotes/forge/main")
	if got := git(t, reader.Dir(), "show-ref"); got != want {
		t.Errorf("git fetched\n%s\nwant\n%s", got, want)
	}
	if out, err := testremote.TryGit(reader.Dir(), "cat-file", "-e", tipOf(t, other).String()); err == nil {
		t.Errorf("it fetched what is another cluster's: %s", out)
	}

	git(t, reader.Dir(), "config", "remote.forge.appburNamespace", "../x")
	if _, err := reader.Remotes(); !errors.Is(err, gitsync.ErrNamespace) {
		t.Errorf("a namespace that is none: %v", err)
	}
}

// A server that hides from an account what is not its own part takes its pushes, lists nothing else, and lets it write nothing
// else: what docs/remotes.md says of hideRefs.
func TestAServerThatHidesOtherParts(t *testing.T) {
	p := localPlace(t)
	one, other := ownCluster(t, "one"), ownCluster(t, "other")
	push(t, other, p.in(t, "clusters/other"))
	account := filepath.Join(t.TempDir(), "git-of-one")
	script := "#!/bin/sh\nexport GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=transfer.hideRefs GIT_CONFIG_VALUE_0=refs\n" +
		"export GIT_CONFIG_KEY_1=transfer.hideRefs GIT_CONFIG_VALUE_1='!refs/heads/clusters/one'\n" +
		"export GIT_CONFIG_KEY_2=transfer.hideRefs GIT_CONFIG_VALUE_2='!refs/tags/clusters/one'\nexec git \"$@\"\n"
	if err := os.WriteFile(account, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := gitsync.RemoteOptions{Git: account}

	if _, err := one.Push(t.Context(), p.in(t, "clusters/one").remote, what, o); err != nil {
		t.Fatal(err)
	}
	wantIn(t, one, p.bare, "clusters/one")
	refs, err := gitsync.RemoteRefs(t.Context(), p.remote, o)
	if err != nil || len(refs) != 3 {
		t.Errorf("it lists %v: %v", refs, err)
	}
	for _, namespace := range []string{"clusters/other", "clusters/new"} {
		_, err := one.Push(t.Context(), p.in(t, namespace).remote, what, o)
		wantState(t, err, gitsync.RemoteRefused)
	}
	wantIn(t, other, p.bare, "clusters/other")
}
