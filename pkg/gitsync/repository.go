package gitsync

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/appbur/appbur"
)

// MainRef is the branch that [Init] makes HEAD point at.
const MainRef = "refs/heads/main"

// lockWait is how long a writer waits for another one. A commit takes far less.
const lockWait = 10 * time.Second

// Repository is an open bare repository. It is safe for concurrent use, by
// goroutines and by processes.
type Repository struct {
	dir      string
	objects  *objectStore
	lockWait time.Duration
	// spillSize is how much new content each edit holds in memory.
	spillSize int
	// swept is set when abandoned files were removed once.
	swept atomic.Bool
	// precious means that its owner forbids to delete objects.
	precious bool
}

// initialConfig is the configuration of a new repository. Ref updates are never
// forced by appbur, so pushes into the repository may not be forced either.
const initialConfig = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[receive]
	denyNonFastForwards = true
`

// Init makes a bare repository whose HEAD is the branch main. The directory may
// exist if it is empty; otherwise the error is [ErrExists]. The repository
// appears whole or not at all.
func Init(dir string) (*Repository, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if len(entries) > 0 {
		return nil, appbur.WithHint(fmt.Errorf("create repository: %s %w", dir, ErrExists), "choose a new or empty directory")
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	build, err := os.MkdirTemp(parent, ".appbur-init-")
	if err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	defer func() { _ = os.RemoveAll(build) }()
	if err := writeSkeleton(build); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	// Remove takes an empty directory away and no other.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if err := os.Rename(build, dir); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if err := syncDir(parent); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	return Open(dir)
}

func writeSkeleton(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"objects/pack", "objects/info", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"HEAD": "ref: " + MainRef + "\n", "config": initialConfig} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// Open opens a bare repository. What is not one is [ErrNoRepository]; what this
// package would misread is [ErrUnsupported].
func Open(dir string) (*Repository, error) {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		_, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, notARepository(dir)
		}
		if err != nil {
			return nil, fmt.Errorf("open repository: %w", err)
		}
	}
	precious, err := checkConfig(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	objects, err := openObjectStore(filepath.Join(dir, "objects"))
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	return &Repository{dir: dir, objects: objects, lockWait: lockWait, spillSize: spillSize, precious: precious}, nil
}

func notARepository(dir string) error {
	err := fmt.Errorf("open repository: %s: %w", dir, ErrNoRepository)
	if _, statErr := os.Stat(filepath.Join(dir, ".git")); statErr == nil {
		return appbur.WithHint(err, "appbur needs a repository without a worktree: git clone --bare "+dir)
	}
	return appbur.WithHint(err, "create one with: appbur init "+dir)
}

// readableExtensions are the format extensions under which this package reads
// and writes correctly, with the only value it accepts ("" means any).
var readableExtensions = map[string]string{
	"objectformat":    "sha1",  // ids have 20 bytes everywhere in this package
	"refstorage":      "files", // refs are read as files
	"preciousobjects": "",      // read; Maintain refuses to prune
	"noop":            "",
	"worktreeconfig":  "", // concerns settings that are not read here
}

// checkConfig refuses repositories whose format this package does not know, and
// reports whether the owner forbids to delete objects.
func checkConfig(dir string) (precious bool, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	cfg := config.New()
	if err := config.NewDecoder(bytes.NewReader(data)).Decode(cfg); err != nil {
		return false, fmt.Errorf("read config: %w", err)
	}
	core := cfg.Section("core")
	if v := core.Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return false, fmt.Errorf("%w: format version %s", ErrUnsupported, v)
	}
	for _, option := range cfg.Section("extensions").Options {
		want, known := readableExtensions[strings.ToLower(option.Key)]
		if !known || (want != "" && !strings.EqualFold(option.Value, want)) {
			return false, fmt.Errorf("%w: extension %s = %s", ErrUnsupported, option.Key, option.Value)
		}
		if strings.EqualFold(option.Key, "preciousobjects") && !slices.Contains([]string{"false", "no", "off", "0"}, strings.ToLower(option.Value)) {
			precious = true
		}
	}
	return precious, nil
}

// Dir returns the directory of the repository.
func (r *Repository) Dir() string { return r.dir }
