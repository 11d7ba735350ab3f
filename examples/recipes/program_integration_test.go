//go:build integration

package recipes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/pkg/contract"
)

// place is where the commands of a recipe run: here, in place of a container of the
// program's image, with the variables that the container would have.
type place map[string]string

// environ is what a person's own command gets there.
func (p place) environ() []string {
	env := []string{"PATH=" + p.path()}
	for name, value := range p {
		if name != "PATH" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (p place) path() string {
	switch {
	case p["PATH"] == "":
		return os.Getenv("PATH")
	case p["ONLY"] != "":
		return p["PATH"]
	}
	return p["PATH"] + ":" + os.Getenv("PATH")
}

// open makes an application of a recipe whose commands run here.
func open(t *testing.T, name string, at place) *exec.Adapter {
	t.Helper()
	// Not sensitive, so that a failure tells what the program said.
	program, err := exec.ParseProgram([]byte(strings.ReplaceAll(string(read(t, name)), "sensitive: true", "sensitive: false")))
	if err != nil {
		t.Fatal(err)
	}
	if chosen, err := program.Chosen(t.Context(), at); err != nil || !chosen {
		t.Fatalf("the recipe does not choose this pod: %v", err)
	}

	a, err := exec.OpenOn(t.Context(), program.Config, at)
	if err != nil {
		t.Fatal(err)
	}
	if a.Version() == "" {
		t.Error("the program has no version")
	}
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Run runs a command with the variables of the container, as the shell in it would.
func (p place) Run(ctx context.Context, c exec.Call) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	argv, env := c.Filled(c.Path)
	program := argv[0]
	if c.Shell && p["ONLY"] != "" {
		program = filepath.Join(p["PATH"], "sh")
	}
	if !filepath.IsAbs(program) {
		var err error
		if program, err = p.find(program); err != nil {
			return &exec.Failure{Ended: err.Error(), Cause: err}
		}
	}

	cmd := osexec.CommandContext(ctx, program, argv[1:]...)
	cmd.Env = append(p.environ(), env...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, c.Stdin, c.Stdout, c.Stderr
	err := cmd.Run()
	if err == nil {
		return nil
	}
	var ended *osexec.ExitError
	return &exec.Failure{Ended: fmt.Sprintf("%s: %v", argv[0], err), Refused: errors.As(err, &ended) && ended.Exited(), Cause: err}
}

// Rest puts to rest as commands on a machine do.
func (p place) Rest(ctx context.Context, quiesce, release exec.Call) (exec.Rest, error) {
	rest := resting{p, release}
	if err := p.Run(ctx, quiesce); err != nil {
		return nil, errors.Join(err, rest.End(ctx))
	}
	return rest, nil
}

type resting struct {
	place
	release exec.Call
}

func (resting) Held(context.Context) error      { return nil }
func (r resting) End(ctx context.Context) error { return r.Run(ctx, r.release) }

// same wants the payload that was saved, and shows where another one begins to differ.
func same(t *testing.T, saved, again payloads) {
	t.Helper()
	for name, want := range saved {
		was, is := strings.Split(want, "\n"), strings.Split(again[name], "\n")
		for i := range was {
			if i >= len(is) || was[i] != is[i] {
				t.Errorf("%s: saved, and exported after the import, from line %d:\n%s\n---\n%s", name, i+1,
					strings.Join(was[i:min(i+8, len(was))], "\n"), strings.Join(is[min(i, len(is)):min(i+8, len(is))], "\n"))
				break
			}
		}
		if len(is) > len(was) {
			t.Errorf("%s: %d lines were saved, and %d are exported after the import", name, len(was), len(is))
		}
	}
}

// payloads is what the datasets of an application hold.
type payloads map[string]string

// export exports every dataset, twice, because an unchanged program has to give the
// same bytes.
func export(t *testing.T, a *exec.Adapter) payloads {
	t.Helper()
	first, again := exportOnce(t, a), exportOnce(t, a)
	if !maps.Equal(first, again) {
		t.Fatalf("an unchanged program gives\n%s\nand then\n%s", first, again)
	}
	return first
}

func exportOnce(t *testing.T, a *exec.Adapter) payloads {
	t.Helper()
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := payloads{}
	for _, d := range a.Datasets() {
		payload, err := s.(contract.OpaqueSnapshot).Payload(t.Context(), d.Name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(payload)
		if err := errors.Join(err, payload.Close()); err != nil {
			t.Fatal(err)
		}
		all[d.Name] = string(content)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// notExported exports a dataset and wants it to fail for the reason.
func notExported(t *testing.T, a *exec.Adapter, dataset, reason string) {
	t.Helper()
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.(contract.OpaqueSnapshot).Payload(t.Context(), dataset); err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("the export ends with %v, and not because of %s", err, reason)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// load imports payloads.
func load(t *testing.T, a *exec.Adapter, all payloads) error {
	t.Helper()
	tx, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range a.Datasets() {
		if payload, ok := all[d.Name]; ok && err == nil {
			err = tx.(contract.OpaqueTransaction).ReplacePayload(t.Context(), d.Name, d.Schema, strings.NewReader(payload))
		}
	}

	if err == nil {
		err = tx.Commit(context.WithoutCancel(t.Context()))
	}
	if err != nil {
		if rolled := tx.Rollback(context.WithoutCancel(t.Context())); rolled != nil {
			t.Error(rolled)
		}
	}
	return err
}

// refused imports what is no payload and checks that nothing has changed.
func refused(t *testing.T, a *exec.Adapter, dataset, why, payload string) {
	t.Helper()
	before := exportOnce(t, a)
	if err := load(t, a, payloads{dataset: payload}); contract.ReasonOf(err) != contract.ReasonPayloadInvalid {
		t.Errorf("%s: the import ends with %v", why, err)
	}
	if after := exportOnce(t, a); !maps.Equal(before, after) {
		t.Errorf("%s: it was refused, and yet the program holds\n%s\nand not\n%s", why, after, before)
	}
}

// say runs a command as a person would, with the text as its input.
func (p place) say(t *testing.T, input string, argv ...string) string {
	t.Helper()
	out, err := p.try(t.Context(), input, argv...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", argv, err, out)
	}
	return out
}

func (p place) try(ctx context.Context, input string, argv ...string) (string, error) {
	program, err := p.find(argv[0])
	if err != nil {
		return "", err
	}
	cmd := osexec.CommandContext(ctx, program, argv[1:]...)
	cmd.Env = p.environ()
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// find looks a program up where the recipe's commands would.
func (p place) find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, dir := range filepath.SplitList(p.path()) {
		if path, err := osexec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: make packages servers", name)
}

// become runs a program that ends by itself as the account.
func (p place) become(t *testing.T, owner *syscall.Credential, dir, name string, args ...string) {
	t.Helper()
	program, err := p.find(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, p.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// account is who servers run as that refuse to be root.
func account(t *testing.T, names ...string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatalf("none of the users %s is here: make packages", names)
	return nil
}

// home makes a directory that the account owns, with a name that is short enough for
// a socket in it.
func home(t *testing.T, owner *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "recipe-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serve runs a server until the test ends, and waits until ready succeeds. The
// kernel ends it with the thread that started it, so it dies with the tests however
// they end.
func (p place) serve(t *testing.T, owner *syscall.Credential, dir string, ready func(context.Context) error, argv ...string) {
	t.Helper()
	program, err := p.find(argv[0])
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	cmd := osexec.CommandContext(context.WithoutCancel(t.Context()), program, argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, p.environ(), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})

	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // ended already is as good
		<-ended
	})

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(t.Context())
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", argv[0], log)
		case <-t.Context().Done():
			t.Fatalf("%s does not answer: %v", argv[0], err)
		case <-tick.C:
		}
	}
}

// client puts a program of that name before the real one, which adds the arguments
// with which it finds the server of this test. In a container it finds its own.
func (p place) client(t *testing.T, dir, name string, args ...string) place {
	t.Helper()
	real, err := p.find(name)
	if err != nil {
		t.Fatal(err)
	}
	text := "exec " + real
	for _, arg := range args {
		text += " '" + arg + "'"
	}
	return p.stand(t, dir, name, text+` "$@"`)
}

// stand puts a text in the place of a program.
func (p place) stand(t *testing.T, dir, name, text string) place {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	text = "#!/bin/sh\n" + text + "\n"
	if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// unpackedDir is what hack/programs/install.sh has made.
func unpackedDir(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "appbur", "tools", "programs")
}
