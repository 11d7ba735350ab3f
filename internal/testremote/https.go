package testremote

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// HTTPServer is git http-backend behind a web server.
type HTTPServer struct {
	*httptest.Server
	// CA is the server's certificate in PEM.
	CA []byte
	// Username and Password, or Bearer, are asked for when they are set.
	Username, Password, Bearer string
}

// HTTPS serves the repositories below a directory over TLS.
func HTTPS(t testing.TB, root string) *HTTPServer {
	t.Helper()
	s := newHTTP(t, root)
	s.StartTLS()
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return s
}

// HTTP serves the repositories below a directory in clear.
func HTTP(t testing.TB, root string) *HTTPServer {
	t.Helper()
	s := newHTTP(t, root)
	s.Start()
	return s
}

func newHTTP(t testing.TB, root string) *HTTPServer {
	t.Helper()
	backend := filepath.Join(Git(t, ".", "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Fatalf("git http-backend is not there (it comes with git): %v", err)
	}
	s := &HTTPServer{}

	git := &cgi.Handler{
		Path: backend, Dir: root, Logger: nil,
		Env:        append([]string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}, cleanGit...),
		InheritEnv: []string{"PATH", "HOME"},
		Stderr:     io.Discard,
	}

	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.allowed(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			// Go's CGI wants to know the length, and git http-backend goes round for ever
			// when the body ends before it.
			spooled, err := spool(r.Body)
			if err != nil {
				return // the client is gone
			}
			defer func() { _ = os.Remove(spooled.Name()) }()
			info, err := spooled.Stat()
			if err != nil {
				return
			}
			r.TransferEncoding, r.ContentLength, r.Body = nil, info.Size(), spooled
		}
		git.ServeHTTP(w, r)
	}))

	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *HTTPServer) allowed(r *http.Request) bool {
	switch {
	case s.Bearer != "":
		return r.Header.Get("Authorization") == "Bearer "+s.Bearer
	case s.Username != "" || s.Password != "":
		username, password, ok := r.BasicAuth()
		return ok && username == s.Username && password == s.Password
	default:
		return true
	}
}

func spool(body io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "appbur-request-")
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, body); err != nil {
		_ = file.Close()
		_ = os.Remove(file.Name())
		return nil, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return file, err
}

// Repo returns the URL of a repository below the server's root.
func (s *HTTPServer) Repo(name string) string { return s.URL + "/" + strings.TrimPrefix(name, "/") }
