package verdicts_test

import (
	"bytes"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/manifestfiles"
	"github.com/appbur/appbur/internal/verdicts"
)

// benchObjects is how many objects a large repository of manifests, or a large cluster, has.
const benchObjects = 100_000

// workloads are of the size that objects of a cluster have: some 800 bytes on average.
var workloads = []string{
	`apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  namespace: team-%d
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/instance: web-1, app.kubernetes.io/version: "1.2.3"}
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: web
  template:
    metadata:
      labels:
        app.kubernetes.io/name: web
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: registry.example.org/web:1.2.3
        args: ["--listen", ":8080"]
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: A
          value: "1"
        - name: B
          valueFrom:
            secretKeyRef:
              name: web
              key: b
        resources:
          limits:
            cpu: 500m
            memory: 128Mi
        readinessProbe:
          httpGet:
            path: /healthz
            port: http
      volumes:
      - name: config
        configMap:
          name: web-config
`,
	`apiVersion: v1
kind: ConfigMap
metadata:
  name: web-%d
  namespace: team-%d
data:
  a: "1"
  settings.yaml: |
    listen: :8080
    log:
      level: info

    # more
    workers: 4
`,
	`apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: web-%d
  namespace: team-%d
spec:
  rules:
  - host: web.example.org
    http:
      paths:
      - path: /
        backend:
          serviceName: web
          servicePort: 80
`,
}

// BenchmarkManifests reads and judges 100,000 objects, and tells the processor time and the memory that this takes.
func BenchmarkManifests(b *testing.B) {
	var text bytes.Buffer
	for i := range benchObjects {
		text.WriteString("---\n")
		fmt.Fprintf(&text, workloads[[]int{0, 1, 0, 0, 1, 0, 0, 1, 0, 2}[i%10]], i, i%500)
	}
	b.SetBytes(int64(text.Len()))

	for b.Loop() {
		before := processorTime()
		j := verdicts.New(appbur.KubeVersion{}, release(37))
		r := manifestfiles.Reader{Take: func(o manifestfiles.Object) {
			j.Add(verdicts.Object{ID: o.ID, Content: o.Content, File: o.File, Line: o.Line})
		}}
		if _, err := r.Stream(b.Context(), "stdin", bytes.NewReader(text.Bytes())); err != nil {
			b.Fatal(err)
		}
		if judged := j.Finish(nil); len(judged) != benchObjects {
			b.Fatalf("%d objects were judged", len(judged))
		}

		b.ReportMetric((processorTime() - before).Seconds(), "cpu-s/op")
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		b.ReportMetric(float64(memory.HeapSys)/(1<<20), "heap-MB")
	}
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
