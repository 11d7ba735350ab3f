//go:build unix

package kubebuild

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTrackerCountsPackages(t *testing.T) {
	tr := &tracker{main: "k8s.io/kubernetes/cmd/kube-apiserver", progress: Progress{Phase: Planning}}
	tr.line("go: downloading k8s.io/api v0.24.17")
	tr.line("go: downloading k8s.io/apimachinery v0.24.17\r\n")
	if tr.progress.Phase != Downloading || tr.progress.Modules != 2 {
		t.Errorf("after downloads: %+v", tr.progress)
	}
	tr.plan("fresh fmt\nfresh os\nstale k8s.io/api/core/v1\nstale k8s.io/kubernetes/cmd/kube-apiserver\n\n")

	tr.progress.Phase = tr.next()
	for i, step := range []struct {
		line    string
		changed bool
		percent int
		phase   Phase
	}{
		{"", false, 50, Compiling},
		{"k8s.io/api/core/v1", true, 75, Compiling},
		{"k8s.io/api/core/v1", false, 75, Compiling}, // counted once
		{"warning: something", false, 75, Compiling},
		{"fmt", false, 75, Compiling}, // was fresh
		{"k8s.io/kubernetes/cmd/kube-apiserver", true, 100, Linking},
	} {
		if changed := tr.line(step.line); changed != step.changed {
			t.Errorf("step %d: changed = %v", i, changed)
		}
		if tr.progress.Percent() != step.percent || tr.progress.Phase != step.phase {
			t.Errorf("step %d: %d %% %s, want %d %% %s", i, tr.progress.Percent(), tr.progress.Phase, step.percent, step.phase)
		}
	}

	if !strings.Contains(tr.failure(), "warning: something") {
		t.Errorf("failure = %q", tr.failure())
	}
}

func TestTrackerLinksAtOnceWhenOnlyTheLinkIsLeft(t *testing.T) {
	for list, want := range map[string]Phase{
		"fresh fmt\nstale main":            Linking,
		"fresh fmt\nfresh main":            Linking,
		"stale fmt\nstale main":            Compiling,
		"stale fmt\nfresh main":            Compiling,
		"stale a\nstale b\nstale main\n\n": Compiling,
	} {
		tr := &tracker{main: "main"}
		tr.plan(list)
		if got := tr.next(); got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
}

func TestTrackerBoundsMessages(t *testing.T) {
	tr := &tracker{}
	for range 10 * maxMessages {
		tr.line("error")
	}
	if got := strings.Count(tr.failure(), "error"); got != maxMessages {
		t.Errorf("kept %d lines, want %d", got, maxMessages)
	}
}

func FuzzTracker(f *testing.F) {
	f.Add("stale a\nfresh b\n", "a\nb\ngo: downloading x v1\n# a\na.go:1: bad")
	f.Add("stale a\nstale a\n", "a\na")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, list, lines string) {
		tr := &tracker{main: "a"}
		tr.plan(list)
		last := tr.progress.Done
		for line := range strings.Lines(lines) {
			tr.line(line)
			if tr.progress.Done < last || tr.progress.Done > tr.progress.Total {
				t.Fatalf("%d of %d packages after %d", tr.progress.Done, tr.progress.Total, last)
			}
			last = tr.progress.Done
		}
	})
}

func TestProgressIsShownByTerminalAndPipe(t *testing.T) {
	steps := []struct {
		after    time.Duration
		progress Progress
	}{
		{0, Progress{Program: APIServer, Phase: Planning}},
		{time.Second, Progress{Program: APIServer, Phase: Compiling, Total: 200}},
		{5 * time.Second, Progress{Program: APIServer, Phase: Compiling, Done: 50, Total: 200}},
		{5 * time.Second, Progress{Program: APIServer, Phase: Compiling, Done: 100, Total: 200}},
		{time.Second, Progress{Program: APIServer, Phase: Compiling, Done: 101, Total: 200}},
		{time.Second, Progress{Program: APIServer, Phase: Finished, Done: 200, Total: 200}},
		{0, Progress{Program: Etcd, Phase: Planning}},
	}

	show := func(terminal bool) string {
		var out bytes.Buffer
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		d := NewDisplay(&out, terminal, func() time.Time { return now })
		for _, step := range steps {
			now = now.Add(step.after)
			step.progress.Version = fakeVersion
			d.Report(step.progress)
		}
		d.Message("done")
		d.Close()
		return out.String()
	}

	const lines = `1.99.3   kube-apiserver           counting packages
1.99.3   kube-apiserver           compiling   0 % (0 of 200 packages) (1s)
1.99.3   kube-apiserver           compiling  50 % (100 of 200 packages) (11s)
1.99.3   kube-apiserver           built (13s)
1.99.3   etcd                     counting packages
done
`
	if got := show(false); got != lines {
		t.Errorf("in a file:\n%s\nwant:\n%s", got, lines)
	}

	terminal := show(true)
	if got, want := strings.Count(terminal, "\r"), len(steps); got != want {
		t.Errorf("on a terminal the line was rewritten %d times, want %d", got, want)
	}
	if got := strings.Count(terminal, "\n"); got != 3 {
		t.Errorf("on a terminal there are %d line ends, want 3: one per program and one for the message\n%q", got, terminal)
	}

	// A shorter line covers the longer one before it.
	if !strings.Contains(terminal, "built (13s)      ") {
		t.Errorf("remains of the line before show:\n%q", terminal)
	}
}
