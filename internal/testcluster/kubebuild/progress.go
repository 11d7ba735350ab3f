//go:build unix

package kubebuild

import (
	"strings"

	"github.com/appbur/appbur"
)

// Phase is what a build is doing.
type Phase string

// The phases of the build of one program, in their order. Waiting and
// Downloading are passed through only when there is need.
const (
	Waiting     Phase = "waiting for another build"
	Downloading Phase = "downloading modules"
	Planning    Phase = "counting packages"
	Compiling   Phase = "compiling"
	Linking     Phase = "linking"
	Finished    Phase = "built"
)

// Progress is how far the build of one program has come.
type Progress struct {
	Version appbur.KubeVersion
	Program Program
	Phase   Phase
	// Done of Total packages have been handed to the compiler; those that the
	// build cache had already count as done. Total is zero before Compiling.
	Done, Total int
	// Modules is the number of modules downloaded so far.
	Modules int
}

// Percent is the share of packages that are compiled.
func (p Progress) Percent() int {
	if p.Total == 0 {
		return 0
	}
	return 100 * p.Done / p.Total
}

// tracker turns the lines that the go command writes into progress, and keeps
// those that are neither progress nor noise: they explain a failure.
type tracker struct {
	progress Progress
	stale    map[string]bool // packages still to be compiled
	main     string
	messages []string
}

// maxMessages bounds what is kept of a compiler that has a lot to say.
const maxMessages = 40

// plan reads the output of go list: "stale PATH" or "fresh PATH" per package.
func (t *tracker) plan(list string) {
	t.stale = map[string]bool{}
	t.progress.Done, t.progress.Total = 0, 0
	for line := range strings.Lines(list) {
		state, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		t.progress.Total++
		if state == "stale" {
			t.stale[path] = true
		} else {
			t.progress.Done++
		}
	}
}

// next is the phase after planning. Where only the main package is left, as
// after a change of the linker's arguments, nothing will be compiled.
func (t *tracker) next() Phase {
	if len(t.stale) == 0 || len(t.stale) == 1 && t.stale[t.main] {
		return Linking
	}
	return Compiling
}

// line takes one line of the go command's standard error and reports whether
// the progress changed.
func (t *tracker) line(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	if strings.HasPrefix(line, "go: downloading ") {
		t.progress.Modules++
		if t.progress.Phase == Planning {
			t.progress.Phase = Downloading
		}
		return true
	}

	if t.stale[line] {
		delete(t.stale, line)
		t.progress.Done++
		if line == t.main {
			t.progress.Phase = Linking
		}
		return true
	}

	if line != "" && len(t.messages) < maxMessages {
		t.messages = append(t.messages, line)
	}
	return false
}

// failure is what the go command said, for an error message.
func (t *tracker) failure() string {
	if len(t.messages) == 0 {
		return "the go command said nothing"
	}
	return strings.Join(t.messages, "\n")
}
