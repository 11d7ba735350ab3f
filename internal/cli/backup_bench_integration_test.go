//go:build integration

package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// The work of the bars in docs/ARCHITECTURE.md: 200 namespaces, 10,000 ConfigMaps
// and 10,000 Secrets of about 1 KiB.
const (
	benchNamespaces = 200
	benchPerKind    = 10_000
)

// BenchmarkBackup measures, side by side in one run on one cluster of 20,000
// objects: the floor of reading (a raw list of the two kinds), the floor of
// writing (git fast-import of the same bytes), the capture alone, and `appbur
// backup`, first into an empty repository and then of an unchanged cluster.
//
//	go test -tags integration -run '^$' -bench Backup -benchtime 3x ./internal/cli
func BenchmarkBackup(b *testing.B) {
	cluster := testcluster.New(b, "1.24.17")
	config := cluster.RESTConfig()
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		b.Fatal(err)
	}
	fillForBench(b, client, benchPerKind)

	b.Run("raw list", func(b *testing.B) {
		for b.Loop() {
			for _, path := range []string{"/api/v1/configmaps", "/api/v1/secrets"} {
				data, err := client.CoreV1().RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(b.Context())
				if err != nil || len(data) < 1<<20 {
					b.Fatalf("%d bytes, %v", len(data), err)
				}
			}
		}
	})
	var stream []byte
	b.Run("capture", func(b *testing.B) {
		source, err := exporter.New(config, manifest.Default(), exporter.Options{Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			results := make(chan manifest.Result, 1024)
			done := make(chan []byte)
			go func() {
				var script bytes.Buffer
				script.WriteString("commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 0\n")
				for r := range results {
					fmt.Fprintf(&script, "M 644 inline %s\ndata %d\n%s\n", r.Manifest.ID.Path(), len(r.Manifest.Data), r.Manifest.Data)
				}
				done <- script.Bytes()
			}()
			_, err := source.Capture(b.Context(), func(_ exporter.Type, r manifest.Result) error {
				if r.Decision.Saved {
					results <- r
				}
				return nil
			})
			close(results)
			stream = <-done
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("git fast-import", func(b *testing.B) {
		for b.Loop() {
			dir := b.TempDir()
			if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			command := exec.Command("git", "-C", dir, "fast-import", "--quiet")
			command.Stdin = bytes.NewReader(stream)
			if out, err := command.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
		}
	})
	dir := b.TempDir()
	repo, keys := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys")
	backup := func(b *testing.B, repo, keys string) {
		args := []string{"backup", "--repo", repo, "--keys", keys, "--kubeconfig", cluster.Kubeconfig}
		if code, _, errs := runBench(b.Context(), args...); code != ExitDone {
			b.Fatalf("exit code %d\n%s", code, errs)
		}
	}
	b.Run("first backup", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := b.TempDir()
			repo, keys := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys")
			if code, _, errs := runBench(b.Context(), "init", repo, "--keys", keys); code != ExitDone {
				b.Fatal(errs)
			}
			b.StartTimer()
			backup(b, repo, keys)
		}
	})
	if code, _, errs := runBench(b.Context(), "init", repo, "--keys", keys); code != ExitDone {
		b.Fatal(errs)
	}
	backup(b, repo, keys)
	b.Run("backup of an unchanged cluster", func(b *testing.B) {
		for b.Loop() {
			backup(b, repo, keys)
		}
	})
}

func runBench(ctx context.Context, args ...string) (code int, out, errs string) {
	var stderr bytes.Buffer
	e := &env{
		Streams: &Streams{In: strings.NewReader(""), Out: io.Discard, Err: &stderr},
		now:     time.Now, rand: rand.Reader, getenv: func(string) string { return "" },
	}
	return Run(ctx, e, args), "", stderr.String()
}

func fillForBench(b *testing.B, client kubernetes.Interface, perKind int) {
	b.Helper()
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(32)

	for n := range benchNamespaces {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("bench-%03d", n)}},
			metav1.CreateOptions{})
		if err != nil {
			b.Fatal(err)
		}
	}

	for i := range perKind {
		meta := metav1.ObjectMeta{
			Name: fmt.Sprintf("object-%05d", i), Namespace: fmt.Sprintf("bench-%03d", i%benchNamespaces),
			Labels: map[string]string{"app": "bench", "index": fmt.Sprint(i)},
		}
		text := strings.Repeat(fmt.Sprintf("line of object %d\n", i), 40)
		group.Go(func() error {
			_, err := client.CoreV1().ConfigMaps(meta.Namespace).Create(ctx,
				&corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"text": text, "index": fmt.Sprint(i)}}, metav1.CreateOptions{})
			return err
		})
		group.Go(func() error {
			_, err := client.CoreV1().Secrets(meta.Namespace).Create(ctx,
				&corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"password": text}}, metav1.CreateOptions{})
			return err
		})
	}

	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}
