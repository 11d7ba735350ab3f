package goldens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
)

// Sensitive says what is done with datasets that are.
type Sensitive int

// What is done with them. They are refused unless something else was asked for.
const (
	Refuse Sensitive = iota
	// Plain writes them as everything else, unencrypted.
	Plain
	// LeaveOut records that they are there, and nothing of them.
	LeaveOut
)

// SensitiveError says that a dataset is sensitive, and nobody said what to do with it.
type SensitiveError struct{ Dataset string }

func (e *SensitiveError) Error() string {
	return fmt.Sprintf("dataset %s is sensitive, and a golden is not encrypted", e.Dataset)
}

// ErrVersion says that the version of an application cannot name a directory.
var ErrVersion = errors.New("the version of the application cannot be the name of a golden")

// Recording is how a release is recorded.
type Recording struct {
	Sensitive Sensitive
	// Schemas describe rows, by dataset.
	Schemas map[string]SchemaFile
	Random  io.Reader
	At      time.Time
}

// Result is what was recorded.
type Result struct {
	golden.Entry

	Datasets []golden.Dataset
	// Before is true when the same was recorded before, and nothing was written.
	Before bool
}

// Record has an application export its state, and keeps it as the golden of its version.
func Record(ctx context.Context, client *contract.Client, dir string, r Recording) (Result, error) {
	d, err := open(dir)
	if err != nil {
		return Result{}, err
	}
	info, err := client.Info(ctx)
	if err != nil {
		return Result{}, err
	}
	if !golden.IsRelease(info.Version) {
		return Result{}, fmt.Errorf("%w: %q", ErrVersion, info.Version)
	}
	about, files, err := r.export(ctx, client, info)
	if err != nil {
		return Result{}, err
	}

	entry := golden.Entry{Format: golden.LockFormat, Release: about.Version, App: about.App, Recorded: r.At.UTC().Truncate(time.Second)}
	entry.Files = map[string]appbur.Digest{}
	for name, data := range files {
		entry.Files[about.Version+"/"+name] = appbur.DigestOf(data)
	}
	known, before := d.Lock.Entry(entry.Release)
	lock, err := d.Lock.Append(d.lockText, entry)
	if err != nil {
		return Result{}, fmt.Errorf("release %s: %w", entry.Release, err)
	}
	if before {
		return Result{Entry: known, Datasets: about.Datasets, Before: true}, nil
	}
	if err := d.write(entry, files, lock); err != nil {
		return Result{}, err
	}
	return Result{Entry: entry, Datasets: about.Datasets}, nil
}

// export reads what is to be kept: the payloads, the schemas, and what the application says.
func (r Recording) export(ctx context.Context, client *contract.Client, info contract.Info) (golden.About, map[string][]byte, error) {
	about := aboutOf(info)
	for name := range r.Schemas {
		if _, ok := about.Dataset(name); !ok {
			return about, nil, fmt.Errorf("%w: %s", ErrNoDataset, name)
		}
	}
	for _, d := range about.Datasets {
		if d.Sensitive && r.Sensitive == Refuse {
			return about, nil, &SensitiveError{d.Name}
		}
	}
	exported, err := export(ctx, client, r.Random)
	if err != nil {
		return about, nil, err
	}

	files := map[string][]byte{}
	for i := range about.Datasets {
		d := &about.Datasets[i]
		got, ok := exported[d.Name]
		if !ok {
			return about, nil, fmt.Errorf("dataset %s was not exported", d.Name)
		}
		if schema, ok := r.Schemas[d.Name]; ok {
			d.SchemaFile, d.SchemaMessage = d.Name+"@"+d.Schema+schema.ending(), schema.Message
			files[d.SchemaFile] = schema.Data
		}
		if d.Sensitive && r.Sensitive == LeaveOut {
			d.LeftOut = "it is sensitive"
			continue
		}
		d.File, d.Rows, d.Positions = d.Name+"@"+d.Schema+ending(*d), got.rows, got.positions
		files[d.File] = got.data
	}

	if !slices.ContainsFunc(about.Datasets, func(d golden.Dataset) bool { return d.File != "" }) {
		return about, nil, ErrNothing
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(about); err != nil {
		return about, nil, err
	}
	files[aboutFile] = text.Bytes()
	return about, files, nil
}

// ErrNothing says that nothing would be kept.
var ErrNothing = errors.New("every dataset is sensitive, so nothing would be kept")

// ErrNoDataset says that the application has no dataset of a name.
var ErrNoDataset = errors.New("the application has no such dataset")

func ending(d golden.Dataset) string {
	if d.Opaque() {
		return ".bin"
	}
	return ".ndjson"
}

// write puts the files of a release into their place, all or none, and then the lock that names
// them.
func (d *Directory) write(entry golden.Entry, files map[string][]byte, lock []byte) error {
	if err := durable.MkdirAll(d.Path, 0o777); err != nil {
		return err
	}
	part, err := os.MkdirTemp(d.Path, "."+entry.Release+".part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := os.Chmod(part, 0o755); err != nil { //nolint:gosec // goldens are read by everybody who reads the repository
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := durable.WriteNew(filepath.Join(part, name), files[name], 0o644); err != nil {
			return err
		}
	}

	place := filepath.Join(d.Path, entry.Release)
	if err := os.Rename(part, place); err != nil {
		if !d.holds(entry) {
			return fmt.Errorf("%s is there, and is not in the lock file: %w", place, errors.Join(golden.ErrRecorded, plainly(err)))
		}
	}
	if err := durable.SyncDir(d.Path); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(d.Path, settingsFile)); errors.Is(err, fs.ErrNotExist) {
		if err := durable.WriteNew(filepath.Join(d.Path, settingsFile), []byte(firstSettings), 0o644); err != nil {
			return err
		}
	}
	return durable.Replace(filepath.Join(d.Path, lockFile), lock, 0o644)
}

// plainly leaves the path of a temporary directory out of an error.
func plainly(err error) error {
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// holds reports whether exactly the files of an entry are there: then an earlier recording ended
// before it wrote the lock.
func (d *Directory) holds(entry golden.Entry) bool {
	n := 0
	for path := range d.Found {
		if filepath.Dir(path) == entry.Release {
			n++
		}
	}
	for path, digest := range entry.Files {
		if d.Found[path] != digest {
			return false
		}
	}
	return n == len(entry.Files)
}

const firstSettings = `# Which releases the application has to read the state of: all, "last 3", "~> 2",
# ">= 1.4, < 3" or "6 months" (docs/ci.md of appbur).
support: all
`
