package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/contract"
)

// Adapter is the commands of a configuration as an application.
type Adapter struct {
	config  Config
	runner  Runner
	version string
	// commands keeps exports out while import commands run: an export shows the
	// state before an import or after it.
	commands sync.RWMutex
}

var (
	_ contract.App     = (*Adapter)(nil)
	_ contract.Readier = (*Adapter)(nil)
)

// Open reads the version of the application, if a command prints it.
func Open(ctx context.Context, config Config) (*Adapter, error) {
	return OpenOn(ctx, config, processes{})
}

// OpenOn is [Open] for commands that a runner runs.
func OpenOn(ctx context.Context, config Config, runner Runner) (*Adapter, error) {
	a := &Adapter{config: config, runner: runner, version: config.version}
	if config.versionCommand == nil {
		return a, nil
	}
	w, err := a.workplace()
	if err != nil {
		return nil, err
	}
	defer w.close()

	out, err := w.output(ctx, *config.versionCommand, run{}, "version")
	if err != nil {
		hint := "check versionCommand: of the configuration"
		var f *Failure
		if errors.As(err, &f) && f.Hint != "" {
			hint += "; " + f.Hint
		}
		return nil, appbur.WithHint(fmt.Errorf("reading the version of %s: %s", config.App, describe(err, false)), hint)
	}
	defer func() { _ = out.Close() }()

	line := make([]byte, 128)
	n, _ := out.Read(line) // nothing to read is an empty version
	text, _, _ := strings.Cut(strings.TrimSpace(string(line[:n])), "\n")
	if a.version = strings.TrimSpace(text); a.version == "" {
		return nil, appbur.WithHint(fmt.Errorf("reading the version of %s: the command printed nothing", config.App),
			"check versionCommand: of the configuration; it prints the version on its standard output")
	}
	return a, nil
}

// Version is the application's own version.
func (a *Adapter) Version() string { return a.version }

// Datasets describes what is exported and imported.
func (a *Adapter) Datasets() []contract.Dataset {
	all := make([]contract.Dataset, len(a.config.datasets))
	for i, d := range a.config.datasets {
		all[i] = d.Dataset
	}
	return all
}

// Ready runs the ready command.
func (a *Adapter) Ready(ctx context.Context) error {
	if a.config.ready == nil {
		return nil
	}
	if err := a.config.ready.run(ctx, a.runner, run{}); err != nil {
		failed := contract.NewError(contract.ReasonBackendUnavailable, "%s is not ready: %s", a.config.App, describe(err, a.sensitive()))
		return advised(failed, err)
	}
	return nil
}

// sensitive reports whether commands that concern all datasets may say too much.
func (a *Adapter) sensitive() bool {
	for _, d := range a.config.datasets {
		if d.Sensitive() {
			return true
		}
	}
	return false
}

func (a *Adapter) dataset(name string) (*dataset, error) {
	for i := range a.config.datasets {
		if d := &a.config.datasets[i]; d.Name == name {
			return d, nil
		}
	}
	return nil, contract.NewError(contract.ReasonUnknownDataset, "there is no dataset %s", name)
}

// workplace is a directory of one export or import that no other user may enter.
type workplace struct {
	dir    string
	runner Runner
}

func (a *Adapter) workplace() (workplace, error) {
	dir, err := os.MkdirTemp(a.config.workDir, "appbur-exec-")
	if err != nil {
		reason := contract.ReasonAppFailed
		if errors.Is(err, syscall.ENOSPC) {
			reason = contract.ReasonNoSpace
		}
		return workplace{}, appbur.WithHint(contract.NewError(reason, "making a directory for payloads: %w", err),
			"workDir: of the configuration names a directory with room in which the adapter may make files (default: that for temporary files)")
	}
	return workplace{dir, a.runner}, nil
}

// close removes the directory. What cannot be removed now does no harm.
func (w workplace) close() { _ = os.RemoveAll(w.dir) }

// create makes a file that no other user may read.
func (w workplace) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(w.dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// tries is how often a command is run that changes nothing, if the connection to it is lost.
const tries = 3

// output is [workplace.outputOnce], again if the connection to the command was lost.
func (w workplace) output(ctx context.Context, c command, r run, name string) (*os.File, error) {
	for failures := 0; ; failures++ {
		out, err := w.outputOnce(ctx, c, r, name)
		if !errors.Is(err, ErrLost) || failures+1 == tries || backoff.Sleep(ctx, again.Delay(failures)) != nil {
			return out, err
		}
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
}

var again = backoff.Backoff{First: 200 * time.Millisecond, Most: 5 * time.Second}

// outputOnce runs a command and opens what it printed, or wrote to the file that it
// was given.
func (w workplace) outputOnce(ctx context.Context, c command, r run, name string) (*os.File, error) {
	if c.named {
		r.file, r.path = WritesFile, filepath.Join(w.dir, name)
		if err := c.run(ctx, w.runner, r); err != nil {
			return nil, err
		}
		out, err := os.Open(r.path)
		if err != nil {
			return nil, &Failure{Ended: "the command ended well and wrote no file", Cause: err}
		}
		return out, nil
	}

	out, err := w.create(name)
	if err != nil {
		return nil, err
	}
	r.stdout = out
	err = c.run(ctx, w.runner, r)
	if err == nil {
		_, err = out.Seek(0, 0)
	}
	if err != nil {
		_ = out.Close()
		return nil, err
	}
	return out, nil
}

// input runs a command that reads a payload.
func (w workplace) input(ctx context.Context, c command, r run, path string) error {
	if c.named {
		r.file, r.path = ReadsFile, path
		return c.run(ctx, w.runner, r)
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	r.stdin = in
	return c.run(ctx, w.runner, r)
}
