//go:build integration

package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// BenchmarkRestoreCommands measures the commands of a restore as processes: their time, the
// time of the processor in them, and the most memory that they had resident. The cluster has
// the 20,000 objects of [BenchmarkBackup], or five times as many; the plan finds all of them in
// place, and the restore creates them in another one.
//
//	go test -tags integration -run '^$' -bench 'RestoreCommands/20000$' -benchtime 1x -timeout 30m ./internal/cli
func BenchmarkRestoreCommands(b *testing.B) {
	for _, perKind := range []int{benchPerKind, 5 * benchPerKind} {
		b.Run(fmt.Sprint(2*perKind), func(b *testing.B) { benchmarkRestoreCommands(b, perKind) })
	}
}

func benchmarkRestoreCommands(b *testing.B, perKind int) {
	source, target := testcluster.New(b, "1.37.1"), testcluster.New(b, "1.37.1")
	config := source.RESTConfig()
	config.QPS = -1
	fillForBench(b, kubernetes.NewForConfigOrDie(config), perKind)
	dir := b.TempDir()
	repo, keys, binary := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys"), filepath.Join(dir, "appbur")

	build := exec.CommandContext(b.Context(), "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", // as make build
		"-tags", "kustomize_disable_go_plugin_support", "-o", binary, "github.com/appbur/appbur/cmd/appbur")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var backup time.Duration // how long it took
	run := func(b *testing.B, args ...string) {
		b.Helper()
		began := time.Now()
		command := exec.CommandContext(b.Context(), binary, append(args, "--repo", repo, "--keys", keys)...)
		var errs bytes.Buffer
		command.Stderr = &errs
		if err := command.Run(); err != nil {
			b.Fatalf("%v\n%s", err, errs.String())
		}
		took := time.Since(began)
		if args[0] == "backup" {
			backup = took
		}
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(took.Seconds()/backup.Seconds(), "times-a-backup")
		b.ReportMetric((command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds(), "cpu-s")
		if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
			b.ReportMetric(float64(usage.Maxrss)/1024, "MiB") // in KiB on Linux
		}
	}

	if code, _, errs := runBench(b.Context(), "init", repo, "--keys", keys); code != ExitDone {
		b.Fatal(errs)
	}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"backup", []string{"backup", "--kubeconfig", source.Kubeconfig}},
		{"plan of what is in place", []string{"plan", "latest", "--exit-code", "--kubeconfig", source.Kubeconfig}},
		{"plan into an empty cluster", []string{"plan", "latest", "--kubeconfig", target.Kubeconfig}},
		{"restore", []string{"restore", "latest", "--yes", "--kubeconfig", target.Kubeconfig}},
		{"restore again", []string{"restore", "latest", "--yes", "--kubeconfig", target.Kubeconfig}},
		{"verify", []string{"verify", "latest", "--kubeconfig", target.Kubeconfig}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				run(b, c.args...)
			}
		})
	}
}
