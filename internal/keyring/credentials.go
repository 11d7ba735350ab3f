package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync"
)

// remotesDir holds the credentials of remotes, below the key directory: one
// directory each.
const remotesDir = "remotes"

// credentialFile is a file of a remote's credentials. The names are those of
// Flux's Git secrets, so that one Kubernetes Secret serves both.
type credentialFile struct {
	name   string
	secret bool
	// text files lose the line break at their end, which editors add and tokens do
	// not have.
	text bool
	set  func(c *gitsync.Credentials, path string, data []byte)
}

var credentialFiles = []credentialFile{
	{"username", false, true, func(c *gitsync.Credentials, _ string, data []byte) { c.Username = string(data) }},
	{"password", true, true, func(c *gitsync.Credentials, _ string, data []byte) { c.Password = string(data) }},
	{"bearerToken", true, true, func(c *gitsync.Credentials, _ string, data []byte) { c.BearerToken = string(data) }},
	{"identity", true, false, func(c *gitsync.Credentials, _ string, data []byte) { c.Identity = data }},
	{"known_hosts", false, false, func(c *gitsync.Credentials, path string, _ []byte) { c.KnownHosts = path }},
	{"caFile", false, false, func(c *gitsync.Credentials, _ string, data []byte) { c.CA = data }},
	{"ca.crt", false, false, func(c *gitsync.Credentials, _ string, data []byte) { c.CA = data }},
}

// CredentialsDir returns where the credentials of a remote lie.
func CredentialsDir(keysDir, remote string) string {
	return filepath.Join(keysDir, remotesDir, remote)
}

// LoadCredentials reads the credentials of a remote. That there are none is no
// error: a directory needs none, and an SSH agent may have them.
func LoadCredentials(dir string) (gitsync.Credentials, error) {
	var c gitsync.Credentials
	for _, file := range credentialFiles {
		path := filepath.Join(dir, file.name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return c, &Error{fmt.Errorf("credentials of a remote: %w", err)}
		}
		// A group may read: Kubernetes mounts Secrets so when a pod has an fsGroup.
		if file.secret && info.Mode().Perm()&0o027 != 0 {
			return c, &Error{appbur.WithHint(fmt.Errorf("%s can be read by others or written by its group (mode %o)", path, info.Mode().Perm()),
				"chmod 600 "+path+" (in a pod: defaultMode 0400 of the volume)")}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return c, &Error{fmt.Errorf("credentials of a remote: %w", err)}
		}
		if file.text {
			data = []byte(strings.TrimRight(string(data), "\r\n"))
			if strings.ContainsAny(string(data), "\r\n") {
				return c, &Error{appbur.WithHint(fmt.Errorf("%s holds several lines", path), "it holds one line with nothing else")}
			}
		}
		file.set(&c, path, data)
	}

	return c, nil
}

// CopyCredentials puts the credential files of one directory into another, so
// that only their owner can read them. Files that are not credentials are left.
func CopyCredentials(from, to string) (names []string, err error) {
	for _, file := range credentialFiles {
		data, err := os.ReadFile(filepath.Join(from, file.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return names, &Error{fmt.Errorf("credentials of a remote: %w", err)}
		}
		if err := durable.MkdirAll(to, 0o700); err != nil {
			return names, fmt.Errorf("credentials of a remote: %w", err)
		}
		if err := durable.WriteNew(filepath.Join(to, file.name), data, 0o600); err != nil {
			return names, fmt.Errorf("credentials of a remote: %w", err)
		}
		names = append(names, file.name)
	}

	if len(names) == 0 {
		return nil, &Error{appbur.WithHint(fmt.Errorf("%s holds no credentials", from),
			"their files are named username, password, bearerToken, identity, known_hosts, ca.crt")}
	}
	return names, nil
}
