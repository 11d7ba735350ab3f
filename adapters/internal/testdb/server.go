package testdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// aptLine is what a person with a missing server types next.
const aptLine = "make packages"

// startTimeout bounds the start of a server: a cold data directory on a slow disk
// takes a few seconds.
const startTimeout = 2 * time.Minute

// Server is a private database server.
type Server struct {
	dir     string
	process *process
	create  func(ctx context.Context, name string) (dsn string, err error)
	// administer runs statements in a database with all rights.
	administer func(ctx context.Context, dsn, statements string) error

	mu        sync.Mutex
	databases int
}

// Main starts a server, runs the tests and stops the server. It returns the exit
// code for os.Exit.
func Main(m *testing.M, start func(context.Context) (*Server, error), server **Server) int {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	started, err := start(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	defer started.Stop()
	*server = started
	return m.Run()
}

// NewDatabase creates an empty database and returns how to reach it as its owner,
// who is not a superuser.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.databases++
	name := "test" + strconv.Itoa(s.databases)
	s.mu.Unlock()
	dsn, err := s.create(t.Context(), name)
	if err != nil {
		t.Fatalf("creating database %s: %v", name, err)
	}
	return dsn
}

// AsAdministrator runs statements, joined by semicolons, in a database of
// [Server.NewDatabase] with all rights: what an application's owner may not do, but
// somebody did.
func (s *Server) AsAdministrator(t testing.TB, dsn, statements string) {
	t.Helper()
	if err := s.administer(t.Context(), dsn, statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// Stop ends the server at once and removes its data.
func (s *Server) Stop() {
	s.process.kill()
	_ = os.RemoveAll(s.dir) // what cannot be removed is left in the directory for temporary files
}

// process is a child that dies with this process.
type process struct {
	cmd    *exec.Cmd
	output *os.File
	done   chan struct{}
}

// startProcess runs a long-living program. Pdeathsig fires when the thread that
// forked ends, so that thread is held until the child is gone.
func startProcess(cmd *exec.Cmd, logFile string) (*process, error) {
	output, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = output, output
	p := &process{cmd: cmd, output: output, done: make(chan struct{})}

	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ends is read from the log
			close(p.done)
		}
	}()

	if err := <-started; err != nil {
		return nil, errors.Join(err, output.Close())
	}
	return p, nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // already gone is as good
	<-p.done
	_ = p.output.Close() // only read from now on
}

// await polls until ready returns nil. It gives up when the program has ended or
// ctx has, and then shows the end of the program's log.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended early:\n%s", filepath.Base(p.cmd.Path), p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer: %w\n%s", filepath.Base(p.cmd.Path), err, p.logTail())
		case <-tick.C:
		}
	}
}

func (p *process) logTail() []byte {
	data, err := os.ReadFile(p.output.Name())
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(data[max(0, len(data)-4000):])
}

// account is who the server runs as: the servers refuse to run as root.
type account struct {
	name       string
	credential *syscall.Credential
}

// accountFor picks the first of the names that exists; the packages with nothing
// but the server's programs make no account of their own.
func accountFor(names ...string) (account, error) {
	if os.Getuid() != 0 {
		current, err := user.Current()
		if err != nil {
			return account{}, err
		}
		return account{name: current.Username}, nil
	}

	var found *user.User
	for _, name := range names {
		var err error
		if found, err = user.Lookup(name); err == nil {
			break
		}
	}
	if found == nil {
		return account{}, fmt.Errorf("no user is called %s; install the servers: %s", strings.Join(names, " or "), aptLine)
	}

	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{name: found.Username, credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// newDir makes a directory that the account owns. The name is short: a unix
// socket's path may have 107 bytes.
func (a account) newDir() (string, error) {
	dir, err := os.MkdirTemp("", "appbur-db-")
	if err != nil || a.credential == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid))
}

func (a account) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs a program that ends by itself.
func (a account) run(ctx context.Context, dir, program string, args ...string) error {
	runtime.LockOSThread() // Pdeathsig, see startProcess
	defer runtime.UnlockOSThread()
	if out, err := a.command(ctx, dir, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, out)
	}
	return nil
}

// find returns the first program of that name on the path or in the directories.
func find(name string, globs ...string) (string, error) {
	for _, glob := range globs {
		matches, err := filepath.Glob(filepath.Join(glob, name))
		if err != nil {
			return "", err
		}
		if len(matches) > 0 {
			return matches[len(matches)-1], nil
		}
	}
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s is not installed; install the servers: %s", name, aptLine)
	}
	return path, err
}
