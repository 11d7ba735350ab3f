package cli

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// savedBytes is the saved state of one dataset.
type savedBytes []byte

func (s savedBytes) Payload(appbur.AppKey, appbur.Dataset) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s)), nil
}

// A running application says how much it has received, and a person sees how fast that goes and
// how long it will still take.
func TestAPersonSeesHowFastStateIsImported(t *testing.T) {
	const rows, size = 24_000, 1000 // an application acknowledges every 4 MiB
	var payload bytes.Buffer
	for i := range rows {
		fmt.Fprintf(&payload, `{"id":%d,"text":%q}`+"\n", i, strings.Repeat("x", size))
	}
	app := appbur.AppState{AppKey: appbur.AppKey{Namespace: "shop", Name: "db"}, App: "example.com", Version: "1.0.0"}
	app.Datasets = []appbur.Dataset{{
		Name: "rows", Schema: "1.0", MediaType: contract.MediaType, Key: []string{"id"}, Rows: rows, Size: int64(payload.Len()),
		Digest: appbur.DigestOf(payload.Bytes()),
	}}
	address := serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"), contracttest.NewMemory(nil), contract.Options{
		ID: app.App, Version: app.Version, Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})

	w := newSlowWorld(t)
	w.Streams = w.terminal
	bar := w.appBar([]appbur.AppState{app})
	importer := &apps.Importer{
		Targets: []apps.Target{{AppKey: app.AppKey, Address: address}}, Payloads: savedBytes(payload.Bytes()), Random: rand.Reader,
		ReadyTimeout: time.Minute, Progress: bar.report,
	}
	imported, err := importer.Import(t.Context(), app)
	bar.finish()
	if err != nil || !imported.Applied {
		t.Fatal(imported, err)
	}

	drawn := strings.Join(w.screen.seen(), "\n")
	for _, line := range []string{sized("importing shop/db"), sized("exporting again shop/db"), sized("comparing the state of shop/db")} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(drawn) {
			t.Errorf("nothing is like %s:\n%.3000s", line, drawn)
		}
	}
}
