package cli

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// thin is a body that comes over a thin line: a piece at each tick.
type thin struct {
	io.ReadCloser
	ticker *time.Ticker
	piece  int
}

// Read implements [io.Reader].
func (b thin) Read(p []byte) (int, error) {
	<-b.ticker.C
	return b.ReadCloser.Read(p[:min(len(p), b.piece)])
}

// thinServer serves the repositories below a directory over a thin line.
func thinServer(t *testing.T, root string, piece int) string {
	t.Helper()
	target, err := url.Parse(testremote.HTTP(t, root).URL)
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	t.Cleanup(ticker.Stop)

	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost {
				r.Body = thin{r.Body, ticker, piece}
			}
			return nil
		},
	})

	t.Cleanup(proxy.Close)
	return proxy.URL
}

// addNoise commits files that nothing makes smaller.
func addNoise(t *testing.T, dir string, files, size int) {
	t.Helper()
	git, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tip, err := git.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	edit, err := git.Edit(tip)
	if err != nil {
		t.Fatal(err)
	}

	noise := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	for i := range files {
		_, _ = source.Read(noise)
		if _, err := edit.Put(fmt.Sprintf("noise/%03d", i), noise); err != nil {
			t.Fatal(err)
		}
	}
	who := gitsync.Person{Name: "Noise", Email: "noise@example.com"}
	info := gitsync.CommitInfo{Author: who, Committer: who, Time: day(21, 9), Subject: "Add noise"}
	if _, err := git.Commit(t.Context(), gitsync.MainRef, edit, info); err != nil {
		t.Fatal(err)
	}
}

// The real program on a real terminal: while a copy comes over a thin line there is one
// line with a bar, a rate and the time that is left, no line wraps, and at the end it is
// gone.
func TestAPersonSeesProgress(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	dir := t.TempDir()
	AuditStory(t, dir)
	const files, size = 200, 4 << 10
	addNoise(t, filepath.Join(dir, "mgmt.git"), files, size)
	server := thinServer(t, dir, files*size/50)

	s := &screen{width: 80}
	copied := filepath.Join(t.TempDir(), "copy.git")
	command := exec.CommandContext(t.Context(), "appbur", "clone", server+"/mgmt.git", copied, "--keys", filepath.Join(dir, "keys"))
	command.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=xterm"}
	if code := runOnTerminal(t, s, command); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, s.text())
	}

	want := `(?m)^receiving  \d+% \[=*> *\]  \d+ of \d+ objects, \d+\.\d KiB, \d+(\.\d)?/s, \d+ s left$`
	if drawn := strings.Join(s.seen(), "\n"); !regexp.MustCompile(want).MatchString(drawn) {
		t.Errorf("nothing drawn is like %s:\n%s", want, drawn)
	}
	if text := s.text(); strings.Contains(text, "receiving") || !strings.HasSuffix(text, "\n") {
		t.Errorf("left behind:\n%s", text)
	}
	if wrapped := strings.Join(s.wrapped, "\n"); strings.Contains(wrapped, "%") {
		t.Errorf("wrapped:\n%s", wrapped)
	}
}
