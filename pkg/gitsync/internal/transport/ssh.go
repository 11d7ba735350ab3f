package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/appbur/appbur/internal/deadpeer"
)

// dialSSH runs a Git service on another machine through SSH. The host must be
// known, and its key is asked for by the algorithms that are known of it: a server
// with several keys would otherwise show one that is not in known_hosts.
func dialSSH(ctx context.Context, remote Remote, service string, o Options, dog *watchdog) (_ conn, err error) {
	address := remote.URL.address("22")
	hosts, err := knownHosts(remote.Credentials.KnownHosts)
	if err != nil {
		return nil, err
	}
	auth, closeAgent, err := sshAuth(remote.Credentials, o)
	if err != nil {
		return nil, err
	}
	defer closeAgent()
	conn, err := deadpeer.Dialer().DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}

	// Closing the connection is what ends everything that waits on it.
	unhook := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if err != nil {
			unhook()
			_ = conn.Close()
		}
	}()

	watched := &watchedConn{Conn: conn, dog: dog, in: dog.reader(conn), out: dog.writer(conn)}
	defer func() {
		// x/crypto/ssh does not say that a connection was lost, so it is asked.
		if err != nil && watched.lost.Load() && stateOfError(err) == UnknownCondition && StateOf(err) == UnknownCondition {
			err = NewError(Interrupted, "", err)
		}
	}()

	config := &ssh.ClientConfig{
		User:              cmp.Or(remote.URL.user, remote.Credentials.Username, "git"),
		Auth:              auth,
		HostKeyCallback:   hostKeyCheck(hosts),
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(address),
		ClientVersion:     "SSH-2.0-appbur",
	}

	sshConn, channels, requests, err := ssh.NewClientConn(watched, address, config)
	if err != nil {
		return nil, sshFailure(err, len(auth) > 0)
	}
	client := ssh.NewClient(sshConn, channels, requests)

	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	said := &tail{}
	session.Stderr = said
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}

	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start(service + " " + shellQuote(remote.URL.path)); err != nil {
		return nil, err
	}

	return &pipe{in: in, out: out, errors: said, finish: func() {
		// What the program says last comes before its exit status. A peer that
		// does not end is left alone after a moment.
		timer := time.AfterFunc(goodbye, func() { _ = conn.Close() })
		_ = session.Wait()
		timer.Stop()
		unhook()
		_ = client.Close()
	}}, nil
}

// shellQuote makes one word for the shell at the other side.
func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// sshAuth returns the ways to log in: the remote's own key, or else the agent's,
// and then the password.
func sshAuth(c Credentials, o Options) (methods []ssh.AuthMethod, closeAgent func(), err error) {
	closeAgent = func() {}
	switch {
	case len(c.Identity) > 0:
		signer, err := ssh.ParsePrivateKey(c.Identity)
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) && c.Password != "" {
			signer, err = ssh.ParsePrivateKeyWithPassphrase(c.Identity, []byte(c.Password))
		}
		if err != nil {
			return nil, closeAgent, misconfigured(fmt.Errorf("the private key of the remote: %w", err),
				"the file identity holds a private key in PEM; its passphrase belongs in the file password")
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, closeAgent, nil
	case o.Agent != "":
		conn, err := net.Dial("unix", o.Agent)
		if err != nil {
			return nil, closeAgent, misconfigured(fmt.Errorf("the SSH agent cannot be reached: %w", err),
				"start it, or put a private key into the file identity among the remote's credentials")
		}
		methods = append(methods, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
		closeAgent = func() { _ = conn.Close() }
	}

	if c.Password != "" {
		methods = append(methods, ssh.Password(c.Password))
	}
	return methods, closeAgent, nil
}

// knownHosts reads the keys of the hosts that are believed.
func knownHosts(path string) (*knownhosts.HostKeyDB, error) {
	if path == "" {
		// Without any the host is unknown, which the check tells with the key's fingerprint.
		path = os.DevNull
	}
	db, err := knownhosts.NewDB(path)
	if err != nil {
		return nil, misconfigured(err, "known_hosts holds what `ssh-keyscan HOST` prints")
	}
	return db, nil
}

func hostKeyCheck(hosts *knownhosts.HostKeyDB) ssh.HostKeyCallback {
	check := hosts.HostKeyCallback()
	return func(hostname string, addr net.Addr, key ssh.PublicKey) error {
		err := check(hostname, addr, key)
		shown := fmt.Errorf("%s shows the %s key %s", hostname, key.Type(), ssh.FingerprintSHA256(key))
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostKeyChanged(err):
			return NewError(HostKeyChanged, "", fmt.Errorf("%w, and known_hosts holds another", shown))
		case knownhosts.IsHostUnknown(err):
			return NewError(HostKeyUnknown, "", fmt.Errorf("%w, and known_hosts has no line for it", shown))
		default:
			return NewError(HostKeyChanged, "", fmt.Errorf("%w: %w", shown, err)) // a revoked key
		}
	}
}

// sshFailure finds the state for what x/crypto/ssh gives no type.
func sshFailure(err error, tried bool) error {
	var algorithms *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &algorithms) && strings.Contains(err.Error(), "host key"):
		// The server has no key of a kind that is known of it.
		return NewError(HostKeyChanged, "", err)
	case strings.Contains(err.Error(), "unable to authenticate") && !tried:
		return NewError(Unauthenticated, "", errors.New("there is nothing to log in with: no identity, no agent, no password"))
	case strings.Contains(err.Error(), "unable to authenticate"):
		return NewError(Unauthenticated, "", err)
	}
	return err
}

// watchedConn is a connection whose watchdog sees what moves.
type watchedConn struct {
	net.Conn
	dog  *watchdog
	in   io.Reader
	out  io.Writer
	lost atomic.Bool
}

// Read implements [net.Conn].
func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	if err != nil {
		c.lose(err)
	}
	return n, err
}

// Write implements [net.Conn].
func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.out.Write(b)
	if err != nil {
		c.lose(err)
	}
	return n, err
}

// lose notes why the connection ended: x/crypto/ssh tells its users of an end of file.
func (c *watchedConn) lose(err error) {
	c.lost.Store(true)
	if deadpeer.Gone(err) {
		c.dog.dead()
	}
}

// writeCloser writes to one and closes the other.
type writeCloser struct {
	io.Writer
	io.Closer
}
