package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/durable"
)

// ErrExists is the error of a directory that is there already.
var ErrExists = errors.New("it exists")

// SensitiveError is the error of a dataset that nothing here would encrypt.
type SensitiveError struct{ Dataset string }

// Error implements error.
func (e *SensitiveError) Error() string {
	return fmt.Sprintf("dataset %s is sensitive, and would be written as it is", e.Dataset)
}

// Writer writes a directory. It implements [apps.Store].
type Writer struct {
	dir, staged string
	// sensitive says that sensitive datasets are written, too.
	sensitive bool
	files     map[string]string
}

var _ apps.Store = (*Writer)(nil)

// Create begins a directory that does not exist. [Writer.Finish] or [Writer.Drop] has to be called.
func Create(dir string, sensitive bool) (*Writer, error) {
	dir = filepath.Clean(dir)
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = ErrExists
		}
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	staged, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".part-") // of mode 0700
	if err != nil {
		return nil, err
	}
	return &Writer{dir: dir, staged: staged, sensitive: sensitive, files: make(map[string]string)}, nil
}

// Dataset implements [apps.Store].
func (w *Writer) Dataset(_ appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	if d.Sensitive && !w.sensitive {
		return nil, &SensitiveError{d.Name}
	}
	if _, twice := w.files[d.Name]; twice {
		return nil, fmt.Errorf("dataset %s comes twice", d.Name)
	}
	w.files[d.Name] = fileOf(len(w.files)+1, d)
	return os.OpenFile(filepath.Join(w.staged, w.files[d.Name]), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// Finish writes what the payloads are, and puts the directory in its place. point is the restore point that
// they are of, empty if the application exported them.
func (w *Writer) Finish(app appbur.AppState, point appbur.RestorePointID, at time.Time) error {
	s := state{
		Format: Format, Exported: at.UTC().Truncate(time.Second), Point: point,
		Namespace: app.Namespace, Name: app.Name, App: app.App, Version: app.Version,
	}
	for _, d := range app.Datasets {
		s.Datasets = append(s.Datasets, dataset{
			Name: d.Name, File: w.files[d.Name], Schema: d.Schema, MediaType: d.MediaType, Rows: d.Rows, Size: d.Size, Digest: d.Digest,
			Sensitive: d.Sensitive, Key: d.Key, Positions: d.Positions,
		})
	}
	if err := s.check(); err != nil {
		return errors.Join(err, w.Drop())
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return errors.Join(err, w.Drop())
	}

	err = w.place(append(text, '\n'))
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", w.dir, err), w.Drop())
	}
	return nil
}

// place makes all of it durable before the directory gets its name.
func (w *Writer) place(text []byte) error {
	for _, name := range w.files {
		if err := syncFile(filepath.Join(w.staged, name)); err != nil {
			return err
		}
	}
	if err := durable.WriteNew(filepath.Join(w.staged, stateFile), text, 0o600); err != nil {
		return err
	}
	if err := durable.SyncDir(w.staged); err != nil {
		return err
	}
	if _, err := os.Lstat(w.dir); !errors.Is(err, fs.ErrNotExist) { // a rename would replace an empty directory
		return ErrExists
	}
	if err := os.Rename(w.staged, w.dir); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(w.dir))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Drop removes what was written of a directory that is not finished.
func (w *Writer) Drop() error { return os.RemoveAll(w.staged) }
