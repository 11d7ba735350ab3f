package testremote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHServer is OpenSSH's sshd, on loopback, with keys of its own. Whoever holds
// the client key can run git-shell and nothing else.
type SSHServer struct {
	// Address is host:port.
	Address string
	// User is whom to log in as.
	User string
	// ClientKey is the private key in PEM that the server lets in.
	ClientKey []byte
	host      ssh.PublicKey
	log       bytes.Buffer
}

// SSH starts a server.
func SSH(t testing.TB) *SSHServer {
	t.Helper()
	program, libraries := SSHD(t)
	dir := t.TempDir()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHServer{User: me.Username}

	var hostKey []byte
	s.host, hostKey = NewKey(t)
	client, clientKey := NewKey(t)
	s.ClientKey = clientKey
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	_ = listener.Close()

	_, port, _ := net.SplitHostPort(s.Address)
	for name, content := range map[string]string{
		"host_key": string(hostKey),
		// A key of another kind, which known_hosts does not have: whoever lets the
		// server choose gets this one.
		"other_host_key": string(ecdsaKey(t)),
		"authorized_keys": `restrict,command="exec git-shell -c \"$SSH_ORIGINAL_COMMAND\"" ` +
			string(ssh.MarshalAuthorizedKey(client)),
		"sshd_config": strings.Join([]string{
			"ListenAddress 127.0.0.1", "Port " + port, "HostKey " + filepath.Join(dir, "host_key"),
			"HostKey " + filepath.Join(dir, "other_host_key"),
			"AuthorizedKeysFile " + filepath.Join(dir, "authorized_keys"), "PidFile none", "StrictModes no", "UsePAM no",
			"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin forced-commands-only", "LogLevel VERBOSE",
			"SetEnv GIT_CONFIG_GLOBAL=/dev/null", "SetEnv GIT_CONFIG_NOSYSTEM=1", "MaxStartups 100",
		}, "\n") + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if os.Getuid() == 0 {
		// The directory is compiled into Debian's sshd; its package makes it at each start.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries)

	cmd.Stderr = &s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var failure error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failure = cmd.Wait()
	}()

	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("sshd: %s", s.log.String())
		}
	})

	for deadline := time.After(10 * time.Second); ; {
		if conn, err := net.Dial("tcp", s.Address); err == nil {
			_ = conn.Close()
			return s
		}
		select {
		case <-ended:
			t.Fatalf("sshd ended: %v\n%s(when it asks for a user named sshd: `make packages` makes it)", failure, s.log.String())
		case <-deadline:
			t.Fatal("sshd does not listen")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// SSHD finds the server, the system's or the one in the user's cache directory with what it needs beside it.
func SSHD(t testing.TB) (program, libraries string) {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/sshd"); err == nil {
		return "/usr/sbin/sshd", ""
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(cache, "appbur", "tools", "sshd")
	program = filepath.Join(root, "usr", "sbin", "sshd")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("there is no sshd on this machine: run `make packages` (hack/packages.sh): %v", err)
	}
	found, _ := filepath.Glob(filepath.Join(root, "usr", "lib", "*", "libwrap.so.0"))
	if len(found) > 0 {
		libraries = filepath.Dir(found[0])
	}
	return program, libraries
}

// NewKey makes an ed25519 key pair: the public half, and the private one in PEM.
func NewKey(t testing.TB) (ssh.PublicKey, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(block)
}

func ecdsaKey(t testing.TB) []byte {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

// KnownHosts writes a known_hosts file with the server's key, as seen at an
// address, which may be that of a proxy before it.
func (s *SSHServer) KnownHosts(t testing.TB, address string) string {
	t.Helper()
	return WriteKnownHosts(t, address, s.host)
}

// WriteKnownHosts writes a known_hosts file with any key.
func WriteKnownHosts(t testing.TB, address string, key ssh.PublicKey) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	line := fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(key))
	if err := errors.Join(os.WriteFile(path, []byte(line), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// Repo returns the URL of a repository on the server, through an address.
func (s *SSHServer) Repo(address, dir string) string {
	return "ssh://" + s.User + "@" + address + dir
}
