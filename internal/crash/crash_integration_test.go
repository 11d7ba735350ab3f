//go:build integration

package crash_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

var (
	seedFlag  = flag.Uint64("crash.seed", 0, "what to choose steps and moments by; 0 means a new one, which is printed")
	killsFlag = flag.Int("crash.kills", 200, "how many children are killed")
)

// childEnv tells a process that it is a child, and where it works.
const (
	childEnv     = "APPBUR_CRASH_PLACE"
	childSeedEnv = "APPBUR_CRASH_SEED"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		seed, err := strconv.ParseUint(os.Getenv(childSeedEnv), 10, 64)
		if err == nil {
			err = work(place{dir}, seed)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// rounds is how many kills one repository sees. It starts anew after them, so that
// looking at it stays quick.
const rounds = 40

// A child lives on, in the step that it is killed in, for up to so many times what the
// step usually takes; before that is known, for up to firstLife.
const (
	lifeFactor = 1.3
	firstLife  = 20 * time.Millisecond
)

// tally counts in which step children died.
type tally struct {
	mu     sync.Mutex
	inside map[string]int
	idle   int
	steps  int
}

// Whenever a writer is killed, nothing that was done is lost, nothing is damaged, and
// the next one goes on.
func TestKilledWritersLoseNothing(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		seed = binary.LittleEndian.Uint64(b[:])
	}

	t.Logf("to choose the same steps again: -crash.seed=%d (the moments of the kills are the machine's)", seed)
	started := time.Now()
	counts := &tally{inside: map[string]int{}}
	t.Run("repositories", func(t *testing.T) {
		for n := 0; n*rounds < *killsFlag; n++ {
			// The first on a disk, where syncing takes its time, the others in memory.
			root := ""
			if n > 0 {
				root = memory()
			}
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, root, mathrand.New(mathrand.NewPCG(seed, uint64(n))), counts)
				for kill := range min(rounds, *killsFlag-n*rounds) {
					h.round(kill)
				}
			})
		}
	})

	died := 0
	for _, count := range counts.inside {
		died += count
	}
	t.Logf("%d children killed, %d inside a step %v, %d between steps; %d steps done, in %s", died+counts.idle, died, counts.inside,
		counts.idle, counts.steps, time.Since(started).Round(time.Second))
	if died*2 < *killsFlag {
		t.Errorf("only %d of %d kills hit a step: the moments are chosen badly", died, *killsFlag)
	}
}

// memory returns a directory in memory, or "" where there is none.
func memory() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return ""
}

// harness kills the children of one repository.
type harness struct {
	*testing.T
	place
	random *mathrand.Rand
	counts *tally
	// commits and point were acknowledged, point with the digest of a payload.
	commits       []string
	point, digest string
	// pushed is what the remote said it has.
	pushed string
	// usual is how long each step takes here.
	usual map[string]time.Duration
}

func newHarness(t *testing.T, root string, random *mathrand.Rand, counts *tally) *harness {
	t.Helper()
	dir, err := os.MkdirTemp(root, "appbur-crash-")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
			return
		}
		t.Logf("the repository is kept: %s", dir)
	})

	h := &harness{T: t, place: place{dir}, random: random, counts: counts, usual: map[string]time.Duration{}}
	if _, err := repository.Create(t.Context(), h.repo(), h.keys(), "", nil, rand.Reader, time.Now); err != nil {
		t.Fatal(err)
	}
	if _, err := gitsync.Init(h.remote()); err != nil {
		t.Fatal(err)
	}
	return h
}

// round lets a child work, kills it, and looks at what is left.
func (h *harness) round(kill int) {
	h.Helper()
	seed := h.random.Uint64()

	// The child dies in this step of its life, so many of them are done by then: that
	// shows that it can go on with what the one before it left.
	in := 1 + h.random.IntN(4)
	fraction := h.random.Float64()
	inside := h.child(seed, in, fraction)
	defer func() {
		if h.Failed() {
			h.Logf("kill %d: child seed %d, step %d at %.2f of its life, inside %q", kill, seed, in, fraction, inside)
		}
	}()

	h.counts.mu.Lock()
	if inside == "" {
		h.counts.idle++
	} else {
		h.counts.inside[inside]++
	}
	h.counts.mu.Unlock()
	h.inspect()
	if h.Failed() {
		h.FailNow()
	}
}

// child runs one child until it is killed and returns the step it died in, "" if it
// died between steps.
func (h *harness) child(seed uint64, in int, fraction float64) (inside string) {
	h.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childEnv+"="+h.dir, childSeedEnv+"="+fmt.Sprint(seed))

	// A group of its own, so that the programs it started can be waited for.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.StdoutPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := command.Start(); err != nil {
		h.Fatal(err)
	}
	killed := make(chan struct{})
	begun := 0
	var since time.Time

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "begin":
			inside, since = words[1], time.Now()
			if begun++; begun == in {
				time.AfterFunc(h.life(inside, fraction), func() { _ = command.Process.Kill(); close(killed) })
			}
		case "done":
			inside = ""
			if usual := h.usual[words[1]]; usual == 0 {
				h.usual[words[1]] = time.Since(since)
			} else {
				h.usual[words[1]] = (3*usual + time.Since(since)) / 4
			}
			h.acknowledge(words[1], words[2:])
		}
	}

	if begun < in {
		_ = command.Wait()
		h.Fatalf("the child ended by itself, so it could not go on with what was left: %s", stderr.String())
	}
	<-killed
	_, _ = io.Copy(io.Discard, out)
	err = command.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		h.Fatalf("the child was not killed: %v: %s", err, stderr.String())
	}
	h.orphansEnd(command.Process.Pid)
	return inside
}

// orphansEnd waits for what the child started: the `git receive-pack` of a local
// remote goes on for a moment, and git fsck beside it would see refs whose objects
// came after it had looked for objects.
func (h *harness) orphansEnd(group int) {
	h.Helper()
	for deadline := time.Now().Add(time.Minute); !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.Fatalf("what the child started still runs, process group %d", group)
		}
	}
}

// life is how long a child lives on in a step.
func (h *harness) life(step string, fraction float64) time.Duration {
	longest := firstLife
	if usual := h.usual[step]; usual > 0 {
		longest = time.Duration(lifeFactor * float64(usual))
	}
	return time.Duration(fraction * float64(longest))
}

// acknowledge notes what a child said was done.
func (h *harness) acknowledge(step string, said []string) {
	h.counts.mu.Lock()
	h.counts.steps++
	h.counts.mu.Unlock()
	switch step {
	case "commit", "rotate", "anchor":
		h.commits = append(h.commits, said[0])
	case "push":
		h.pushed = said[0]
	case "point":
		h.point, h.digest = said[0], said[1]
	}
}

// inspect demands that everything is as it must be after a crash.
func (h *harness) inspect() {
	h.Helper()
	for _, dir := range []string{h.repo(), h.remote()} {
		// Of a remote that nothing was pushed to yet, git says that it is empty.
		if out := h.git(dir, "fsck", "--strict", "--full", "--no-dangling"); out != "" && !strings.Contains(out, "unborn branch") {
			h.Errorf("git fsck %s: %s", dir, out)
		}
	}

	if h.pushed != "" && !strings.Contains(h.git(h.remote(), "rev-list", "main"), h.pushed) {
		h.Errorf("the commit %s was pushed and is not there", h.pushed)
	}

	history := h.git(h.repo(), "rev-list", "main")
	for _, commit := range h.commits {
		if !strings.Contains(history, commit) {
			h.Errorf("the commit %s was done and is not in main", commit)
		}
	}

	// What was looked for is in main's history from now on, of which one is enough.
	h.commits = h.commits[max(0, len(h.commits)-1):]
	opener, err := keyring.LoadOpener(h.keys(), "")
	if err != nil {
		h.Fatal(err)
	}
	trusted, err := keyring.TrustRoot(h.keys(), "")
	if err != nil {
		h.Fatal(err)
	}

	anchor, _, err := repository.ReadAnchor(h.anchor())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.Errorf("the anchor: %v", err)
	}
	report, err := repository.Check(h.Context(), h.repo(),
		repository.CheckOptions{KeysDir: h.keys(), Signers: trusted, Opener: opener, Anchor: anchor})
	if err != nil {
		h.Fatal(err)
	}

	if !report.OK() {
		h.Errorf("appbur repo check: %+v", report.Findings)
	}
	if h.point == "" {
		return
	}
	repo, err := repository.Open(h.repo())
	if err != nil {
		h.Fatal(err)
	}

	ref, err := repo.Resolve(h.point)
	if err != nil {
		h.Fatalf("the point that was done: %v", err)
	}
	if _, err := repo.VerifyTrust(ref, repository.Trust{KeysDir: h.keys(), Signers: trusted, Anchor: anchor}); err != nil {
		h.Errorf("the point that was done: %v", err)
	}
	loaded, err := repo.Load(h.Context(), ref, opener)
	if err != nil {
		h.Fatalf("the point that was done: %v", err)
	}

	for _, d := range loaded.Meta.Apps[0].Datasets {
		payload, err := loaded.Payload(loaded.Meta.Apps[0].AppKey, d)
		if err != nil {
			h.Fatalf("the point that was done: %v", err)
		}
		data, err := io.ReadAll(payload)
		if err := errors.Join(err, payload.Close()); err != nil {
			h.Fatalf("the point that was done: %v", err)
		}
		if got := appbur.DigestOf(data).String(); d.Sensitive && got != h.digest {
			h.Errorf("the point that was done: dataset %s has the digest %s, %s was acknowledged", d.Name, got, h.digest)
		}
	}
}

func (h *harness) git(dir string, args ...string) string {
	h.Helper()
	command := exec.Command("git", append([]string{"-C", dir}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := command.CombinedOutput()
	if err != nil {
		h.Errorf("git %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
