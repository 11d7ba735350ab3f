//go:build integration

package restore

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// The objects of the benchmark: as many of each kind, of about 1 KiB.
const (
	benchNamespaces = 200
	benchPerKind    = 10_000
)

// BenchmarkRestore measures, side by side in one run on one cluster, how fast a restore
// creates 20,200 objects, how fast 32 workers create the same with a typed client, which is
// what a server of this machine gives, and how long a restore takes that finds all in place.
//
//	go test -tags integration -run '^$' -bench Restore -benchtime 1x -timeout 30m ./pkg/restore
func BenchmarkRestore(b *testing.B) {
	running := testcluster.New(b, "1.37.1")
	config := running.RESTConfig()
	cluster, err := NewCluster(config)
	if err != nil {
		b.Fatal(err)
	}
	target := &theTarget{Cluster: running, config: config, cluster: cluster}

	round := 0
	var plan *Plan
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			round++
			plan = target.benchPlan(b, fmt.Sprint("restore-", round))
			b.StartTimer()
			began := time.Now()
			report, err := Apply(b.Context(), plan, cluster, nil)
			if err != nil || report.Counts.Created != benchNamespaces+2*benchPerKind {
				b.Fatalf("%s, %v", report.Counts, err)
			}
			b.ReportMetric(float64(report.Counts.Created)/time.Since(began).Seconds(), "objects/s")
		}
	})
	b.Run("typed creates", func(b *testing.B) {
		for b.Loop() {
			round++
			began := time.Now()
			typedCreates(b, config, fmt.Sprint("typed-", round))
			b.ReportMetric((benchNamespaces+2*benchPerKind)/time.Since(began).Seconds(), "objects/s")
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			began := time.Now()
			report, err := Apply(b.Context(), plan, cluster, nil)
			if err != nil || report.Counts.Unchanged != benchNamespaces+2*benchPerKind {
				b.Fatalf("%s, %v", report.Counts, err)
			}
			b.ReportMetric(float64(report.Counts.Unchanged)/time.Since(began).Seconds(), "objects/s")
		}
	})
}

func (r *theTarget) benchPlan(b *testing.B, prefix string) *Plan {
	b.Helper()
	point := pointOf(b)
	add := func(o map[string]any) {
		id := appbur.ObjectID{Kind: text(o, "kind"), Namespace: text(o, "metadata", "namespace"), Name: text(o, "metadata", "name")}
		point.Objects.Add(Object{ID: id, APIVersion: "v1", Content: o})
	}
	for n := range benchNamespaces {
		add(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": benchNamespace(prefix, n)}})
	}
	for i := range benchPerKind {
		metadata := map[string]any{
			"name": fmt.Sprintf("object-%05d", i), "namespace": benchNamespace(prefix, i%benchNamespaces),
			"labels": map[string]any{"i": fmt.Sprint(i)},
		}
		add(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": map[string]any{"config": benchText(i)}})
		add(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque",
			"data": map[string]any{"password": strings.Repeat("QUJD", 256)},
		})
	}
	plan, err := NewPlan(point, r.discovered(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	return plan
}

func benchNamespace(prefix string, n int) string { return fmt.Sprintf("%s-%03d", prefix, n) }

func benchText(i int) string {
	return fmt.Sprintf("number: %d\n%s", i, strings.Repeat("key: value\n", 90))
}

// typedCreates creates the objects of the plan with the client that most controllers use.
func typedCreates(b *testing.B, config *rest.Config, prefix string) {
	b.Helper()
	own := rest.CopyConfig(config)
	own.QPS = -1
	client := kubernetes.NewForConfigOrDie(own)
	workers, ctx := errgroup.WithContext(b.Context())
	workers.SetLimit(defaultParallel)

	each := func(n int, create func(ctx context.Context, i int) error) {
		for i := range n {
			workers.Go(func() error { return create(ctx, i) })
		}
		if err := workers.Wait(); err != nil {
			b.Fatal(err)
		}
		workers, ctx = errgroup.WithContext(b.Context())
		workers.SetLimit(defaultParallel)
	}
	each(benchNamespaces, func(ctx context.Context, n int) error {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: benchNamespace(prefix, n),
		}}, metav1.CreateOptions{})
		return err
	})

	each(benchPerKind, func(ctx context.Context, i int) error {
		metadata := metav1.ObjectMeta{
			Name: fmt.Sprintf("object-%05d", i), Namespace: benchNamespace(prefix, i%benchNamespaces), Labels: map[string]string{"i": fmt.Sprint(i)},
		}
		_, err := client.CoreV1().ConfigMaps(metadata.Namespace).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metadata, Data: map[string]string{"config": benchText(i)},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		_, err = client.CoreV1().Secrets(metadata.Namespace).Create(ctx, &corev1.Secret{
			ObjectMeta: metadata, Type: corev1.SecretTypeOpaque, Data: map[string][]byte{"password": bytes.Repeat([]byte("ABC"), 256)},
		}, metav1.CreateOptions{})
		return err
	})
}
