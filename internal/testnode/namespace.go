//go:build linux

package testnode

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// namespace is where the servers of a node and all pods are: processes, mounts and networks of its own. It ends with its
// first process, and all in it with it.
type namespace struct {
	first *exec.Cmd
	dir   string
	path  string
}

// prepare is what the first process does. It then waits, and takes in orphans, as the first process has to.
// A kubelet insists on some settings of the kernel, and would change those of the machine; it finds them set here.
const prepare = `
set -eu
mount --make-rprivate /
mount -t proc proc /proc
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	[ -e "/proc/sys/${setting%=*}" ] || continue
	mkdir -p "$1/sys/$(dirname "$setting")"
	echo "${setting#*=}" >"$1/sys/${setting%=*}"
	mount --bind "$1/sys/${setting%=*}" "/proc/sys/${setting%=*}"
done
for path in var/lib var/log run; do
	mkdir -p "$1/$path"
	mount --rbind "$1/$path" "/$path"
done
mkdir /run/netns
echo prepared
while :; do sleep 1000; done
`

// newNamespace starts the first process.
func newNamespace(t testing.TB, dir, path string) *namespace {
	t.Helper()
	n := &namespace{first: exec.Command("/bin/sh", "-c", prepare, "sh", dir), dir: dir, path: path}
	n.first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Setpgid:    true,
		Pdeathsig:  syscall.SIGKILL,
	}
	n.first.Stderr = n.log(t, "namespace")
	out, err := n.first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	// The signal comes when the thread that started the process ends, so that thread is kept.
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		started <- n.first.Start()
		<-ended
	}()
	if err := <-started; err != nil {
		close(ended)
		t.Fatalf("namespaces for pods: %v", err)
	}
	t.Cleanup(func() {
		_ = n.first.Process.Kill()
		_ = n.first.Wait()
		close(ended)
	})

	if line, err := bufio.NewReader(out).ReadString('\n'); line != "prepared\n" {
		said, _ := os.ReadFile(filepath.Join(dir, "namespace.log"))
		t.Fatalf("namespaces for pods: %q, %v\n%s", line, err, said)
	}
	return n
}

func (n *namespace) pid() string { return strconv.Itoa(n.first.Process.Pid) }

// enter are the words that run a command there.
func (n *namespace) enter(words ...string) []string {
	return append([]string{"nsenter", "--target", n.pid(), "--mount", "--net", "--pid", "--ipc", "--"}, words...)
}

// start runs a server there, which ends with the namespace.
func (n *namespace) start(t testing.TB, words ...string) *server {
	t.Helper()
	name := filepath.Base(words[0])
	inside := n.enter(words...)
	s := &server{name: name, cmd: exec.Command(inside[0], inside[1:]...), ended: make(chan struct{})}
	s.cmd.Dir = n.dir
	s.cmd.Env = []string{"PATH=" + n.path, "HOME=" + n.dir}
	log := n.log(t, name)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", strings.Join(words, " "), err)
	}

	go func() {
		_ = s.cmd.Wait() // the state is read from cmd.ProcessState
		_ = log.Close()
		close(s.ended)
	}()
	return s
}

// log is where a server writes to, as long as it lives.
func (n *namespace) log(t testing.TB, name string) *os.File {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(n.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// server is a process of a node.
type server struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}
