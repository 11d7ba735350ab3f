package workingcopy

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// place is a daemon's disk, keys and remotes.
type place struct {
	testing.TB
	dir, keys string
	remotes   []repository.Remote
	log       lines
	failed    []gitsync.RemoteState
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func newPlace(t testing.TB, remotes ...string) *place {
	t.Helper()
	p := &place{TB: t, dir: filepath.Join(t.TempDir(), "mgmt.git"), keys: filepath.Join(t.TempDir(), "keys")}
	if _, _, err := keyring.Create(p.keys, rand.Reader); err != nil {
		t.Fatal(err)
	}
	for i, dir := range remotes {
		u, err := gitsync.ParseRemoteURL(dir)
		if err != nil {
			t.Fatal(err)
		}
		p.remotes = append(p.remotes, repository.Remote{Name: string(rune('a' + i)), URL: u})
	}
	return p
}

func (p *place) options() Options {
	p.Helper()
	keys, err := keyring.Load(p.keys)
	if err != nil {
		p.Fatal(err)
	}
	return Options{
		Dir: p.dir, Keys: keys, Remotes: p.remotes, Random: rand.Reader, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&p.log, nil)), Hint: appbur.HintOf,
		Failed: func(state gitsync.RemoteState) { p.failed = append(p.failed, state) },
	}
}

// obtain demands a working copy at once.
func (p *place) obtain(change func(*Options)) *repository.Repository {
	p.Helper()
	o := p.options()
	if change != nil {
		change(&o)
	}
	repo, err := o.obtain(p.Context())
	if err != nil {
		p.Fatalf("%v\n%s", err, p.log.text.String())
	}
	return repo
}

// waits demands that it waits.
func (p *place) waits() {
	p.Helper()
	repo, err := p.options().obtain(p.Context())
	var wait *waitError
	if !errors.As(err, &wait) {
		p.Fatalf("%v, %v", repo, err)
	}
}

func (p *place) push(repo *repository.Repository) {
	p.Helper()
	if _, err := repo.Push(p.Context(), p.keys, nil, gitsync.RemoteOptions{}, time.Now); err != nil {
		p.Fatal(err)
	}
}

func (p *place) lose() {
	p.Helper()
	if err := os.RemoveAll(p.dir); err != nil {
		p.Fatal(err)
	}
}

// begun is a place whose history is at its remotes.
func begun(t testing.TB, remotes ...string) *place {
	t.Helper()
	p := newPlace(t, remotes...)
	p.push(p.obtain(nil))
	return p
}

// The first start begins a history with the keys that there are; the next one, on an empty disk, clones it.
func TestAnEmptyDiskIsClonedAndOnlyAnEmptyRemoteIsBegunAt(t *testing.T) {
	bare := testremote.Bare(t)
	p := begun(t, bare)
	before := testremote.Git(t, bare, "show-ref")
	if commits := testremote.Git(t, bare, "rev-list", "main"); strings.Contains(commits, "\n") {
		t.Errorf("the history begins with %s", commits)
	}
	p.lose()
	repo := p.obtain(nil)
	p.push(repo)
	if after := testremote.Git(t, bare, "show-ref"); after != before {
		t.Errorf("the remote had %s and has %s", before, after)
	}
	if list, err := repo.Remotes(); err != nil || len(list) != 1 || list[0] != p.remotes[0] {
		t.Errorf("its remotes are %v: %v", list, err)
	}
	testremote.Fsck(t, p.dir)
}

// Recipients can be named where nobody has an identity.
func TestAHistoryBeginsForThoseWhoAreNamed(t *testing.T) {
	p := newPlace(t, testremote.Bare(t))
	recipients, err := keyring.Recipients(p.keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.keys, keyring.IdentityFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.options().obtain(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody is known who could decrypt") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("it left something: %v", err)
	}
	text := "# ours\n" + recipients[0] + "\n"
	if err := os.WriteFile(filepath.Join(p.keys, keyring.RecipientsFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if repo := p.obtain(nil); len(repo.Config().Recipients) != 1 || repo.Config().Recipients[0] != recipients[0] {
		t.Errorf("it is encrypted to %v", repo.Config().Recipients)
	}
}

// While a remote that may have a history does not answer, nothing begins, unless that is asked for.
func TestNoSecondHistoryBeginsByItself(t *testing.T) {
	gone, empty := testremote.Bare(t), testremote.Bare(t)
	p := newPlace(t, gone, empty)
	hidden := gone + ".away"
	if err := os.Rename(gone, hidden); err != nil {
		t.Fatal(err)
	}
	p.waits()
	if len(p.failed) != 1 {
		t.Errorf("failed are %v", p.failed)
	}
	p.push(p.obtain(func(o *Options) { o.Begin = true }))
	if testremote.Git(t, empty, "show-ref") == "" {
		t.Error("nothing was begun")
	}

	// What was seen and is nowhere any more is no beginning either.
	p.lose()
	testremote.Git(t, empty, "update-ref", "-d", "refs/heads/main")
	if err := os.Rename(hidden, gone); err != nil {
		t.Fatal(err)
	}
	_, err := p.options().obtain(t.Context())
	if !errors.Is(err, repository.ErrRewritten) || repository.ReasonOf(err) != repository.ReasonEmptied {
		t.Errorf("got %v", err)
	}
	p.obtain(func(o *Options) { o.Begin = true })
}

// write commits something to main.
func (p *place) write(repo *repository.Repository, retention string) {
	p.Helper()
	text, err := repo.Config().With("retention", retention)
	if err != nil {
		p.Fatal(err)
	}
	if _, err := repo.SetConfig(p.Context(), p.options().Keys, text, time.Now()); err != nil {
		p.Fatal(err)
	}
}

// away hides a remote until the returned function is called.
func away(t testing.TB, bare string) (back func()) {
	t.Helper()
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(bare, bare+".away")
	return func() { move(bare+".away", bare) }
}

// Of several remotes the newest counts. One that lacks what a remote is known to have held does not count alone.
func TestTheNewestRemoteCounts(t *testing.T) {
	stale, newest := testremote.Bare(t), testremote.Bare(t)
	p := begun(t, stale, newest)
	back := away(t, stale)
	repo := p.obtain(nil)
	p.write(repo, "{last: 3}")
	p.push(repo)
	back()
	p.lose()

	back = away(t, newest)
	p.waits()
	if !strings.Contains(p.log.text.String(), "cloned the working copy from a remote") {
		t.Errorf("the log says\n%s", p.log.text.String())
	}
	back()
	repo = p.obtain(nil)
	if main, err := repo.Main(); err != nil || main.String() != testremote.Git(t, newest, "rev-parse", "main") {
		t.Errorf("it is at %s: %v", main, err)
	}
	p.push(repo)
	if testremote.Git(t, stale, "show-ref") != testremote.Git(t, newest, "show-ref") {
		t.Error("the other remote did not get what it lacks")
	}
}

// A disk that is kept is used as it is when no remote answers, and is brought up to date when one does.
func TestADiskThatIsKeptIsBroughtUpToDate(t *testing.T) {
	bare := testremote.Bare(t)
	p := begun(t, bare)
	other := &place{TB: t, dir: filepath.Join(t.TempDir(), "other.git"), keys: p.keys, remotes: p.remotes}
	there := other.obtain(nil)
	other.write(there, "{last: 3}")
	other.push(there)

	back := away(t, bare)
	if err := os.Remove(filepath.Join(p.keys, keyring.SeenFile)); err != nil { // as another machine
		t.Fatal(err)
	}
	repo := p.obtain(nil)
	if repo.Config().Retention != nil {
		t.Error("nobody can have told it")
	}
	back()
	if repo := p.obtain(nil); repo.Config().Retention == nil {
		t.Errorf("it was not brought up to date\n%s", p.log.text.String())
	}
	testremote.Fsck(t, p.dir)
}

// A remote of somebody else is refused, and nothing of it stays.
func TestARemoteOfSomebodyElseIsRefused(t *testing.T) {
	bare := testremote.Bare(t)
	begun(t, bare)
	p := newPlace(t, bare)
	_, err := p.options().obtain(t.Context())
	if !errors.Is(err, repository.ErrPolicy) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// A wait ends with its context, and says what it waits for.
func TestAWaitEndsWithItsContext(t *testing.T) {
	p := newPlace(t, filepath.Join(t.TempDir(), "nothing.git"))
	ctx, cancel := context.WithCancel(t.Context())
	o := p.options()
	var reason error
	o.Waiting = func(err error) {
		reason = err
		cancel()
	}
	if _, err := Obtain(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if reason == nil || !strings.Contains(reason.Error(), "remote a: ") || !strings.Contains(p.log.text.String(), "waiting for a remote") {
		t.Errorf("it waits for %v and says\n%s", reason, p.log.text.String())
	}
}
