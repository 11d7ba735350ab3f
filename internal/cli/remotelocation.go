package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// remoteOptions are the surroundings of this process in which remotes are talked to.
func (e *env) remoteOptions() gitsync.RemoteOptions {
	return gitsync.RemoteOptions{Agent: e.getenv("SSH_AUTH_SOCK"), Proxy: http.ProxyFromEnvironment}
}

// remoteURL reads a URL from the command line, where a directory may be relative.
func remoteURL(text string) (gitsync.RemoteURL, error) {
	if place, part, shared := strings.Cut(text, "#"); !strings.Contains(place, ":") {
		absolute, err := filepath.Abs(place)
		if err != nil {
			return gitsync.RemoteURL{}, fmt.Errorf("remote: %w", err)
		}
		text = absolute
		if shared {
			text += "#" + part
		}
	}
	u, err := gitsync.ParseRemoteURL(text)
	if err != nil {
		return u, &usageError{err}
	}
	return u, nil
}

// wantDirectory refuses a remote on a disk that is not there: a typing mistake would
// show only when nothing had been copied for a while.
func wantDirectory(u gitsync.RemoteURL) error {
	path, isFile := strings.CutPrefix(u.Whole().String(), "file://")
	if !isFile && !strings.HasPrefix(path, "/") {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no directory")
	}
	if err != nil {
		return &notFoundError{appbur.WithHint(fmt.Errorf("remote %s: %w", path, err),
			"make it with `git init --bare "+path+"`, or mount its disk")}
	}
	return nil
}
