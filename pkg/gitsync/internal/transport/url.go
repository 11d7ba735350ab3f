package transport

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
)

// URL says where a remote repository is. It never holds a secret.
type URL struct {
	text   string
	scheme string // "https", "http", "ssh" or "file"
	user   string // of ssh
	host   string // with its port if one was given
	path   string
	// namespace is the part of the remote that is meant.
	namespace Namespace
}

// ParseURL reads what `git remote add` would be given: https://host/path,
// ssh://[user@]host[:port]/path, [user@]host:path, an absolute directory or
// file:///directory, and http:// where [RemoteURL.Plaintext] is accepted. What follows a # is the part of the remote
// that is meant, where many share it ([ParseNamespace]); in a path the sign itself is %23, which needs a scheme.
//
// What carries a user name or a password for HTTP is refused, because URLs end up
// in logs, process lists and configuration files; so are protocols that prove
// nothing about the peer.
func ParseURL(text string) (URL, error) {
	whole, part, shared := strings.Cut(text, "#")
	u, err := ParseWholeURL(whole)
	if err != nil || !shared {
		return u, err
	}
	namespace, err := ParseNamespace(part)
	if err != nil {
		return URL{}, appbur.WithHint(fmt.Errorf("%w: %w", ErrURL, err), appbur.HintOf(err))
	}
	return u.In(namespace), nil
}

// In is the URL of a part of a remote.
func (u URL) In(namespace Namespace) URL {
	u.namespace = namespace
	return u
}

// Whole is the URL of the whole remote, as stock git takes it.
func (u URL) Whole() URL { return u.In(Namespace{}) }

// Namespace is the part of the remote that is meant.
func (u URL) Namespace() Namespace { return u.namespace }

// ParseWholeURL is [ParseURL] of a text that names no part, as it is in a file of git: a directory may have a # in its name.
func ParseWholeURL(text string) (URL, error) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return URL{}, badURL("it is empty or holds spaces or control characters", "write a space as %20")
	}
	u := URL{text: text}
	if !strings.Contains(text, "://") {
		return u.parsePlain()
	}
	parsed, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse repeats the text, which may hold a password.
		return URL{}, badURL("it cannot be parsed", "for example https://git.example/team/mgmt.git")
	}

	if _, secret := parsed.User.Password(); secret {
		return URL{}, badURL("it holds a password", "leave it out, and put it into the file `password` of the remote's credentials")
	}
	if parsed.RawQuery != "" || parsed.Fragment != "" {
		return URL{}, badURL("it has a query or a fragment", "a Git URL ends with its path")
	}
	u.scheme, u.host, u.path = parsed.Scheme, parsed.Host, parsed.Path
	if strings.HasPrefix(u.host, "-") {
		return URL{}, badURL("the host begins with a dash", "check the URL")
	}

	switch u.scheme {
	case "https", "http":
		if parsed.User != nil {
			return URL{}, badURL("it holds a user name, which may be a token",
				"leave it out, and put it into the file `username` of the remote's credentials")
		}
		if u.host == "" {
			return URL{}, badURL("it names no host", "for example https://git.example/team/mgmt.git")
		}
		u.path = strings.TrimSuffix(parsed.EscapedPath(), "/")
	case "ssh":
		u.user = parsed.User.Username()
		if u.host == "" || u.path == "" || u.path == "/" {
			return URL{}, badURL("it names no host or no path", "for example ssh://git@git.example/team/mgmt.git")
		}
		// git's own rule: ssh://host/~user/x is below that user's home.
		if strings.HasPrefix(u.path, "/~") {
			u.path = u.path[1:]
		}
	case "file":
		if u.host != "" && u.host != "localhost" {
			return URL{}, badURL("a file URL names another host", "write file:///directory, or ssh://host/directory")
		}
		u.host = ""
	default:
		return URL{}, badURL(fmt.Sprintf("the protocol %q is not supported", u.scheme),
			"use https, ssh or a directory; git:// proves neither side to the other")
	}

	return u, u.checkPath()
}

// parsePlain reads what has no scheme: host:path, or a directory.
func (u URL) parsePlain() (URL, error) {
	host, path, isSSH := strings.Cut(u.text, ":")
	if isSSH && !strings.Contains(host, "/") {
		if strings.HasPrefix(path, ":") {
			return URL{}, badURL("remote helpers run programs", "use https, ssh or a directory")
		}
		u.scheme, u.path = "ssh", path
		if at := strings.LastIndex(host, "@"); at >= 0 {
			u.user, host = host[:at], host[at+1:]
		}
		// user:password@host:path splits at the first colon.
		_, after, _ := strings.Cut(path, "@")
		if strings.Contains(u.user, ":") || strings.Contains(after, ":") {
			return URL{}, badURL("it holds a password",
				"leave it out; use a key, or put the password into the file `password` of the remote's credentials")
		}
		if host == "" || path == "" || strings.HasPrefix(host, "-") {
			return URL{}, badURL("it names no host or no path", "for example git@git.example:team/mgmt.git")
		}
		u.host = host
		return u, u.checkPath()
	}

	if !filepath.IsAbs(u.text) {
		return URL{}, badURL("a directory must be absolute", "write the whole path, beginning with /")
	}
	u.scheme, u.path = "file", filepath.Clean(u.text)
	return u, nil
}

func (u URL) checkPath() error {
	if u.scheme == "ssh" && strings.HasPrefix(u.path, "-") || u.scheme == "file" && !filepath.IsAbs(u.path) {
		return badURL("the path is not one of a repository", "check the URL")
	}
	if strings.ContainsAny(u.path, "\x00\n\r") {
		return badURL("the path holds control characters", "check the URL")
	}
	return nil
}

func badURL(why, hint string) error {
	return appbur.WithHint(fmt.Errorf("%w: %s", ErrURL, why), hint)
}

// String returns the URL as it was given.
func (u URL) String() string {
	if u.namespace.IsWhole() {
		return u.text
	}
	return u.text + "#" + u.namespace.String()
}

// Scheme returns "https", "http", "ssh" or "file".
func (u URL) Scheme() string { return u.scheme }

// Plaintext reports whether whatever is sent can be read and changed on its way:
// HTTP without TLS that leaves this machine.
func (u URL) Plaintext() bool {
	if u.scheme != "http" {
		return false
	}
	host := u.host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// address is host:port for a dialer.
func (u URL) address(port string) string {
	if _, _, err := net.SplitHostPort(u.host); err == nil {
		return u.host
	}
	return net.JoinHostPort(strings.Trim(u.host, "[]"), port)
}
