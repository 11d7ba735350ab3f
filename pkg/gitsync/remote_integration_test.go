//go:build integration

package gitsync_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// place is a remote of some kind, and the bare repository behind it.
type place struct {
	name   string
	bare   string
	remote gitsync.Remote
}

// httpsPlace serves a bare repository with basic authentication.
func httpsPlace(t testing.TB) place {
	bare := testremote.Bare(t)
	s := testremote.HTTPS(t, filepath.Dir(bare))
	s.Username, s.Password = "appbur", "secret-token"
	return place{"https", bare, gitsync.Remote{
		Name: "https", URL: remoteURL(t, s.Repo("mgmt.git")),
		Credentials: gitsync.Credentials{Username: "appbur", Password: "secret-token", CA: s.CA},
	}}
}

func bearerPlace(t testing.TB) place {
	bare := testremote.Bare(t)
	s := testremote.HTTPS(t, filepath.Dir(bare))
	s.Bearer = "secret-token"
	return place{"bearer", bare, gitsync.Remote{
		Name: "bearer", URL: remoteURL(t, s.Repo("mgmt.git")), Credentials: gitsync.Credentials{BearerToken: "secret-token", CA: s.CA},
	}}
}

func sshPlace(t testing.TB) place {
	bare := testremote.Bare(t)
	s := testremote.SSH(t)
	return place{"ssh", bare, gitsync.Remote{
		Name: "ssh", URL: remoteURL(t, s.Repo(s.Address, bare)),
		Credentials: gitsync.Credentials{Identity: s.ClientKey, KnownHosts: s.KnownHosts(t, s.Address)},
	}}
}

func localPlace(t testing.TB) place {
	bare := testremote.Bare(t)
	return place{"local", bare, gitsync.Remote{Name: "local", URL: remoteURL(t, bare)}}
}

func places(t testing.TB) []place {
	return []place{httpsPlace(t), bearerPlace(t), sshPlace(t), localPlace(t)}
}

func push(t testing.TB, r *gitsync.Repository, p place) gitsync.Pushed {
	t.Helper()
	done, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return done
}

// wantState demands that a push fails in a state, with a hint and without secrets.
func wantState(t testing.TB, err error, want gitsync.RemoteState) {
	t.Helper()
	if got := gitsync.StateOf(err); got != want {
		t.Fatalf("state %q, want %q: %v", got, want, err)
	}
	if appbur.HintOf(err) == "" {
		t.Errorf("no hint: %v", err)
	}
	if strings.Contains(err.Error(), "secret-token") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func pointOn(t testing.TB, r *gitsync.Repository, id, payload string) {
	t.Helper()
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	e := edit(t, r, tip)
	for i := range 20 {
		put(t, e, fmt.Sprintf("apps/a/b/rows/%02d", i), strings.Repeat(fmt.Sprint(i), 1000))
	}
	put(t, e, "apps/a/b/rows/last", payload)
	if _, _, err := r.CommitAndTag(t.Context(), "restore-points/"+id, e, tip, info("point "+id), tagInfo("point "+id, nil)); err != nil {
		t.Fatal(err)
	}
}

func sameRefs(t testing.TB, r *gitsync.Repository, bare string) {
	t.Helper()
	want, got := git(t, r.Dir(), "show-ref"), git(t, bare, "show-ref")
	if got != want {
		t.Fatalf("the remote has\n%s\nwant\n%s", got, want)
	}
}

// Every kind of remote takes everything, then only what is new, then deletions.
func TestPushBringsRemotesUpToDate(t *testing.T) {
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			r := filled(t, 500)
			pointOn(t, r, "20261121T000000Z", "one")
			first := push(t, r, p)
			if first.Commits != 1 || len(first.Added) != 1 || first.Objects < 500 {
				t.Errorf("the first push: %+v", first)
			}
			testremote.Fsck(t, p.bare)
			sameRefs(t, r, p.bare)

			if again := push(t, r, p); again.Objects != 0 || again.Bytes != 0 {
				t.Errorf("a push of nothing: %+v", again)
			}
			addCommit(t, r, map[string]string{"namespaces/ns-1/configmap/new.yaml": "new"})
			// The commit, the blob and the four trees above it.
			if one := push(t, r, p); one.Objects != 6 || one.Commits != 1 {
				t.Errorf("one changed file: %+v", one)
			}
			// The point shares all payloads but one with the point that the remote has:
			// tag, commit, blob, five trees.
			pointOn(t, r, "20261121T010000Z", "two")
			if one := push(t, r, p); one.Objects != 8 {
				t.Errorf("a second point: %+v", one)
			}
			for i := range 30 {
				addCommit(t, r, map[string]string{fmt.Sprintf("catch/%d", i): "up"})
			}
			pointOn(t, r, "20261121T020000Z", "three")
			if late := push(t, r, p); late.Commits != 30 || len(late.Added) != 1 {
				t.Errorf("after an outage: %+v", late)
			}
			testremote.Fsck(t, p.bare)
			sameRefs(t, r, p.bare)

			old := git(t, r.Dir(), "rev-parse", "refs/tags/restore-points/20261121T000000Z")
			git(t, r.Dir(), "update-ref", "-d", "refs/tags/restore-points/20261121T000000Z")
			if kept := push(t, r, p); len(kept.Removed) != 0 {
				t.Errorf("a tag that is missing here was taken for deleted: %+v", kept)
			}
			withDeletion := what
			withDeletion.Deleted = []gitsync.DeletedTag{{Name: "restore-points/20261121T000000Z", Object: hash(t, old)}}
			done, err := r.Push(t.Context(), p.remote, withDeletion, gitsync.RemoteOptions{})
			if err != nil || len(done.Removed) != 1 {
				t.Errorf("deletion: %+v, %v", done, err)
			}
			testremote.Fsck(t, p.bare)
			sameRefs(t, r, p.bare)
		})
	}
}

// What stock git packed, with deltas, is pushed as it lies.
func TestPushOfDeltas(t *testing.T) {
	r := filled(t, 300)
	for i := range 40 {
		path, data := manifest(i)
		addCommit(t, r, map[string]string{path: string(data) + "# changed\n"})
	}

	git(t, r.Dir(), "repack", "-adq", "--depth=50")
	r, err := gitsync.Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	p := localPlace(t)
	done := push(t, r, p)
	testremote.Fsck(t, p.bare)
	sameRefs(t, r, p.bare)
	packs, _ := filepath.Glob(filepath.Join(r.Dir(), "objects", "pack", "*.pack"))
	size, err := os.Stat(packs[0])
	if err != nil || done.Bytes > size.Size()*3/2 {
		t.Errorf("%d bytes were sent of a pack of %d", done.Bytes, size.Size())
	}
}

func TestCloneIsTheRepository(t *testing.T) {
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			r := filled(t, 500)
			pointOn(t, r, "20261121T000000Z", "one")

			for i := range 20 {
				path, data := manifest(i)
				addCommit(t, r, map[string]string{path: string(data) + "# changed\n"})
			}

			push(t, r, p)
			// Deltas, as a server that packs has them; and a stranger's tag.
			git(t, p.bare, "repack", "-adfq")
			git(t, p.bare, "tag", "stranger", "main")
			dir := filepath.Join(t.TempDir(), "clone.git")
			c, done, err := gitsync.Clone(t.Context(), dir, p.remote, gitsync.MainRef, "restore-points/", gitsync.RemoteOptions{})
			if err != nil {
				t.Fatal(err)
			}

			fsck(t, dir)
			sameRefs(t, r, dir)
			if done.Tags != 1 || done.Objects < 500 {
				t.Errorf("%+v", done)
			}
			tip := addCommit(t, c, map[string]string{"after": "clone"})
			push(t, c, p)
			if got := git(t, p.bare, "rev-parse", "main"); got != tip.String() {
				t.Errorf("the clone's commit did not arrive: %s", got)
			}

			// The first repository is now an old copy, and may not push over it.
			_, err = r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
			if got := gitsync.StateOf(err); got != "" && got != gitsync.RemoteDiverged {
				t.Errorf("%v", err)
			}
			addCommit(t, r, map[string]string{"else": "where"})
			_, err = r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
			wantState(t, err, gitsync.RemoteDiverged)
			testremote.Fsck(t, p.bare)
		})
	}
}

// The server compares, not only this side: of two pushes that saw the same tip one
// loses.
func TestPushIsCompareAndSwap(t *testing.T) {
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			r := filled(t, 10)
			push(t, r, p)

			// While the pack is received, the branch moves below it.
			testremote.Hook(t, p.bare, "pre-receive", `cat >/dev/null
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
c=$(git -c user.name=o -c user.email=o@example.com commit-tree -p main -m other main^{tree}) && git update-ref refs/heads/main $c
`)
			addCommit(t, r, map[string]string{"a": "b"})
			_, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
			wantState(t, err, gitsync.RemoteMoved)

			if subject := git(t, p.bare, "log", "-1", "--format=%s", "main"); subject != "other" {
				t.Errorf("main at the remote is %q", subject)
			}
			if err := os.Remove(filepath.Join(p.bare, "hooks", "pre-receive")); err != nil {
				t.Fatal(err)
			}
			_, err = r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
			wantState(t, err, gitsync.RemoteDiverged)
			testremote.Fsck(t, p.bare)
		})
	}
}

// All refs move or none.
func TestPushIsAtomic(t *testing.T) {
	p := localPlace(t)
	r := filled(t, 10)
	pointOn(t, r, "20261121T000000Z", "one")
	testremote.Hook(t, p.bare, "update", "case $1 in refs/tags/*) echo 'no tags today' >&2; exit 1;; esac\n")
	_, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	wantState(t, err, gitsync.RemoteHook)
	if out, err := testremote.TryGit(p.bare, "show-ref"); err == nil {
		t.Errorf("some refs moved: %s", out)
	}
}

// Each way in which a remote refuses has a state of its own.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name  string
		setUp func(t *testing.T, bare string)
		want  gitsync.RemoteState
		says  string
	}{
		{"hook", func(t *testing.T, bare string) {
			testremote.Hook(t, bare, "pre-receive", "cat >/dev/null; echo 'ticket number missing' >&2; exit 1\n")
		}, gitsync.RemoteHook, "ticket number missing"},
		{"protected", func(t *testing.T, bare string) {
			testremote.Hook(t, bare, "update",
				"echo 'GitLab: You are not allowed to push code to protected branches on this project.' >&2; exit 1\n")
		}, gitsync.RemoteProtected, "protected branches"},
		{"too large", func(t *testing.T, bare string) {
			testremote.Git(t, bare, "config", "receive.maxInputSize", "2000")
		}, gitsync.RemoteTooLarge, ""},
		{"gone", func(t *testing.T, bare string) {
			if err := os.RemoveAll(bare); err != nil {
				t.Fatal(err)
			}
		}, gitsync.RemoteNotFound, ""},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range []place{httpsPlace(t), sshPlace(t), localPlace(t)} {
				r := filled(t, 100)
				tt.setUp(t, p.bare)
				_, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
				wantState(t, err, tt.want)
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: the error does not say %q: %v", p.name, tt.says, err)
				}
			}
		})
	}
}

func TestRewrittenRemoteIsDiverged(t *testing.T) {
	p := sshPlace(t)
	r := filled(t, 10)
	push(t, r, p)
	addCommit(t, r, map[string]string{"a": "b"})
	push(t, r, p)

	// An older state is caught up with; it is what a restored server has.
	git(t, p.bare, "update-ref", "refs/heads/main", "main~1")
	push(t, r, p)
	sameRefs(t, r, p.bare)
	git(t, p.bare, "update-ref", "refs/heads/main", git(t, p.bare, "commit-tree", "-m", "x", "main^{tree}"))
	_, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	wantState(t, err, gitsync.RemoteDiverged)
	comparison, err := r.Compare(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	if err != nil || comparison.State != gitsync.RemoteDiverged {
		t.Errorf("%+v, %v", comparison, err)
	}

	// And here: main went back.
	git(t, p.bare, "update-ref", "refs/heads/main", git(t, r.Dir(), "rev-parse", "main"))
	git(t, r.Dir(), "update-ref", "refs/heads/main", "main~1")
	_, err = r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	wantState(t, err, gitsync.RemoteAhead)
}

func TestLogins(t *testing.T) {
	https, bearer, shell := httpsPlace(t), bearerPlace(t), sshPlace(t)
	_, strangerKey := testremote.NewKey(t)
	otherHost, _ := testremote.NewKey(t)

	address := strings.TrimSuffix(strings.TrimPrefix(shell.remote.URL.String(), "ssh://"+userOf(shell)+"@"), shell.bare)
	tests := []struct {
		name   string
		remote gitsync.Remote
		change func(*gitsync.Remote)
		want   gitsync.RemoteState
	}{
		{"wrong password", https.remote, func(r *gitsync.Remote) { r.Credentials.Password = "x" }, gitsync.RemoteUnauthenticated},
		{
			"no password", https.remote, func(r *gitsync.Remote) { r.Credentials.Username, r.Credentials.Password = "", "" },
			gitsync.RemoteUnauthenticated,
		},
		{"wrong token", bearer.remote, func(r *gitsync.Remote) { r.Credentials.BearerToken = "x" }, gitsync.RemoteUnauthenticated},
		{"unknown authority", https.remote, func(r *gitsync.Remote) { r.Credentials.CA = nil }, gitsync.RemoteCertificate},
		{"no CA", https.remote, func(r *gitsync.Remote) { r.Credentials.CA = []byte("x") }, gitsync.RemoteMisconfigured},
		{"stranger's key", shell.remote, func(r *gitsync.Remote) { r.Credentials.Identity = strangerKey }, gitsync.RemoteUnauthenticated},
		{"no key", shell.remote, func(r *gitsync.Remote) { r.Credentials.Identity = nil }, gitsync.RemoteUnauthenticated},
		{"not a key", shell.remote, func(r *gitsync.Remote) { r.Credentials.Identity = []byte("x") }, gitsync.RemoteMisconfigured},
		{"unknown host", shell.remote, func(r *gitsync.Remote) { r.Credentials.KnownHosts = "" }, gitsync.RemoteHostKeyUnknown},
		{"changed host key", shell.remote, func(r *gitsync.Remote) {
			r.Credentials.KnownHosts = testremote.WriteKnownHosts(t, address, otherHost)
		}, gitsync.RemoteHostKeyChanged},
		{"nobody there", gitsync.Remote{URL: remoteURL(t, "https://127.0.0.1:1/x.git")}, func(*gitsync.Remote) {}, gitsync.RemoteUnreachable},
		{"nobody there, ssh", gitsync.Remote{URL: remoteURL(t, "ssh://git@127.0.0.1:1/x.git")}, func(r *gitsync.Remote) {
			r.Credentials = shell.remote.Credentials
		}, gitsync.RemoteUnreachable},
		{"plaintext", gitsync.Remote{URL: remoteURL(t, "http://192.0.2.1/x.git")}, func(*gitsync.Remote) {}, gitsync.RemoteMisconfigured},
	}

	r := filled(t, 1)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			remote := tt.remote
			tt.change(&remote)
			_, err := r.Push(t.Context(), remote, what, gitsync.RemoteOptions{Silence: 10 * time.Second})
			wantState(t, err, tt.want)
		})
	}
}

// Without an identity the agent is asked, and only the key that known_hosts has is
// accepted of a server that has several.
func TestSSHAgent(t *testing.T) {
	p := sshPlace(t)
	key, err := ssh.ParseRawPrivateKey(p.remote.Credentials.Identity)
	if err != nil {
		t.Fatal(err)
	}

	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()

	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()

	p.remote.Credentials.Identity = nil
	if _, err := filled(t, 1).Push(t.Context(), p.remote, what, gitsync.RemoteOptions{Agent: socket}); err != nil {
		t.Error(err)
	}
	_, err = filled(t, 1).Push(t.Context(), p.remote, what, gitsync.RemoteOptions{Agent: socket + "x"})
	wantState(t, err, gitsync.RemoteMisconfigured)
}

func userOf(p place) string {
	rest := strings.TrimPrefix(p.remote.URL.String(), "ssh://")
	name, _, _ := strings.Cut(rest, "@")
	return name
}

// proxied puts a proxy before a remote.
func proxied(t testing.TB, p place) (place, *testremote.Proxy) {
	t.Helper()
	u := p.remote.URL.String()
	scheme, rest, _ := strings.Cut(u, "://")
	rest = strings.TrimPrefix(rest, userOf(p)+"@")
	address, path, _ := strings.Cut(rest, "/")
	proxy := testremote.NewProxy(t, address)

	if p.name == "ssh" {
		known, err := os.ReadFile(p.remote.Credentials.KnownHosts)
		if err != nil {
			t.Fatal(err)
		}
		_, key, _ := strings.Cut(string(known), " ")
		host, port, _ := strings.Cut(proxy.Address, ":")
		p.remote.Credentials.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(p.remote.Credentials.KnownHosts, []byte("["+host+"]:"+port+" "+key), 0o600); err != nil {
			t.Fatal(err)
		}
		p.remote.URL = remoteURL(t, scheme+"://"+userOf(p)+"@"+proxy.Address+"/"+path)
	} else {
		p.remote.URL = remoteURL(t, scheme+"://"+proxy.Address+"/"+path)
	}

	return p, proxy
}

// A peer that is there and does nothing is noticed, in whatever phase.
func TestSilentPeerIsNoticed(t *testing.T) {
	for _, p := range []place{httpsPlace(t), sshPlace(t)} {
		p, proxy := proxied(t, p)
		r := filled(t, 300)
		for _, after := range []int64{1, 5000, 60_000} {
			t.Run(fmt.Sprint(p.name, after), func(t *testing.T) {
				proxy.Set(testremote.Fault{Sent: after, Hang: true})
				_, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{Silence: time.Second})
				wantState(t, err, gitsync.RemoteSilent)
			})
		}
		proxy.Set(testremote.Fault{})
		push(t, r, p)
		testremote.Fsck(t, p.bare)
		sameRefs(t, r, p.bare)
	}

	t.Run("hook", func(t *testing.T) {
		p := localPlace(t)
		testremote.Hook(t, p.bare, "pre-receive", "exec sleep 60\n")
		testremote.Git(t, p.bare, "config", "receive.keepAlive", "0")
		_, err := filled(t, 10).Push(t.Context(), p.remote, what, gitsync.RemoteOptions{Silence: time.Second})
		wantState(t, err, gitsync.RemoteSilent)
	})
}

// Whatever moment a connection breaks in, the remote is sound and the next push
// completes.
func TestConnectionsCutAtRandom(t *testing.T) {
	const cuts = 40
	for _, p := range []place{httpsPlace(t), sshPlace(t)} {
		t.Run(p.name, func(t *testing.T) {
			p, proxy := proxied(t, p)
			r := filled(t, 50)
			push(t, r, p)
			passed := int64(20_000)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 1))
			states := map[gitsync.RemoteState]int{}
			learned := 0

			for cut := range cuts {
				e := edit(t, r, tipOf(t, r))
				noise := make([]byte, 20_000)
				for i := range noise {
					noise[i] = byte(random.Uint32())
				}
				put(t, e, "noise", string(noise))
				commit(t, r, e, "noise")
				fault := testremote.Fault{Sent: 1 + random.Int64N(passed*5/4)}
				if cut%4 == 3 {
					fault = testremote.Fault{Received: 1 + random.Int64N(6000)}
				}
				proxy.Set(fault)
				done, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{Silence: 10 * time.Second})

				states[gitsync.StateOf(err)]++
				if done.Learned {
					learned++
				}
				if err != nil {
					wantState(t, err, gitsync.RemoteInterrupted)
				}

				testremote.Git(t, p.bare, "rev-parse", "main^{tree}")
				proxy.Set(testremote.Fault{})
				push(t, r, p)
				passed = max(passed, proxy.Passed.Load())
				if cut%8 == 7 {
					testremote.Fsck(t, p.bare)
				}
				sameRefs(t, r, p.bare)
			}

			testremote.Fsck(t, p.bare)
			t.Logf("%d cuts: %v, learned afterwards %d", cuts, states, learned)
			if states[gitsync.RemoteInterrupted] == 0 {
				t.Error("no cut hit a push")
			}
		})
	}
}

func tipOf(t testing.TB, r *gitsync.Repository) gitsync.Hash {
	t.Helper()
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	return tip
}

// The end of a connection after the last byte is not taken for a failure: the
// remote is asked what became of the push.
func TestLostAnswerIsLearned(t *testing.T) {
	p, proxy := proxied(t, sshPlace(t))
	r := filled(t, 10)
	push(t, r, p)
	addCommit(t, r, map[string]string{"a": "b"})

	// The hook breaks the connection once the refs have moved, before the answer.
	marker := filepath.Join(t.TempDir(), "moved")
	testremote.Hook(t, p.bare, "reference-transaction", `cat >/dev/null; [ "$1" = committed ] && touch `+marker+` && sleep 2; exit 0`+"\n")
	proxy.Set(testremote.Fault{})

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 1000 {
			if _, err := os.Stat(marker); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		proxy.Cut()
	}()

	done, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	<-ended
	if err != nil || !done.Learned {
		t.Errorf("%+v, %v", done, err)
	}
	sameRefs(t, r, p.bare)
}

// A disk that is full at the remote is told from other failures.
func TestRemoteDiskFull(t *testing.T) {
	p := sshPlace(t)
	mount := mountTiny(t, 2<<20)
	bare := filepath.Join(mount, "mgmt.git")
	git(t, mount, "init", "-q", "--bare", "-b", "main", bare)
	p.remote.URL = remoteURL(t, strings.TrimSuffix(p.remote.URL.String(), p.bare)+bare)
	r := filled(t, 10)
	push(t, r, p)
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	addCommit(t, r, map[string]string{"noise": string(noise)})
	_, err := r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{})
	wantState(t, err, gitsync.RemoteFull)
	testremote.Fsck(t, bare)
}

// What is rotten here does not reach a remote, and the remote is not blamed.
func TestRottenObjectsAreNotPushed(t *testing.T) {
	for _, p := range []place{httpsPlace(t), sshPlace(t), localPlace(t)} {
		r := filled(t, 200)
		packs, _ := filepath.Glob(filepath.Join(r.Dir(), "objects", "pack", "*.pack"))
		data, err := os.ReadFile(packs[0])
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 0x10

		if err := errors.Join(os.Chmod(packs[0], 0o600), os.WriteFile(packs[0], data, 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err = r.Push(t.Context(), p.remote, what, gitsync.RemoteOptions{Silence: 10 * time.Second})
		var remote *gitsync.RemoteError
		if !errors.Is(err, gitsync.ErrCorrupt) || errors.As(err, &remote) || appbur.HintOf(err) == "" {
			t.Errorf("%s: %v", p.name, err)
		}
		if out, err := testremote.TryGit(p.bare, "show-ref"); err == nil {
			t.Errorf("%s: refs moved: %s", p.name, out)
		}
	}
}
