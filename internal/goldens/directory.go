package goldens

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/compat/payload"
)

// Names of files in a directory of goldens.
const (
	lockFile     = "goldens.lock"
	settingsFile = "goldens.yaml"
	aboutFile    = "about.json"
	// largest is how long a file can be. Goldens are samples, and are read as a whole.
	largest = 64 << 20
)

// ErrNoGoldens says that a directory is none of goldens.
var ErrNoGoldens = errors.New("there are no goldens")

// Directory is a directory of goldens that was opened.
type Directory struct {
	Path    string
	Lock    golden.Lock
	Support golden.Support
	// Found are the digests of the files that are there.
	Found map[string]appbur.Digest
	// Goldens are the releases whose files are what was recorded.
	Goldens []Recorded

	lockText []byte
}

// Recorded is one release with its files.
type Recorded struct {
	golden.Golden

	// Payloads are the bytes by dataset, Schemas those of the schema files.
	Payloads map[string][]byte
	Schemas  map[string]SchemaFile
}

// settings is the content of goldens.yaml.
type settings struct {
	Support string `json:"support"`
}

// Open reads a directory of goldens. Files that are not what was recorded are no error here:
// the lock says what is wrong with them.
func Open(path string) (*Directory, error) {
	d, err := open(path)
	if err != nil {
		return nil, err
	}
	if len(d.Lock.Entries) == 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrNoGoldens)
	}

	for _, entry := range d.Lock.Entries {
		files, intact, err := d.files(entry)
		if err != nil {
			return nil, err
		}
		if !intact {
			continue
		}
		recorded, err := read(entry, files)
		if err != nil {
			return nil, fmt.Errorf("%s: release %s: %w", path, entry.Release, err)
		}
		d.Goldens = append(d.Goldens, recorded)
	}
	return d, nil
}

// open reads all but the goldens.
func open(path string) (*Directory, error) {
	d := &Directory{Path: path, Support: golden.AllReleases, Found: map[string]appbur.Digest{}}
	if _, err := os.ReadDir(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var err error
	if d.lockText, err = readIfThere(filepath.Join(path, lockFile)); err != nil {
		return nil, err
	}
	if d.Lock, err = golden.ParseLock(d.lockText); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(path, lockFile), err)
	}

	text, err := readIfThere(filepath.Join(path, settingsFile))
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) > 0 {
		var s settings
		if err := strictyaml.Decode(text, &s); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrSettings, filepath.Join(path, settingsFile), err)
		}
		if d.Support, err = golden.ParseSupport(s.Support); err != nil {
			return nil, fmt.Errorf("%w: %s: support: %w", ErrSettings, filepath.Join(path, settingsFile), err)
		}
	}
	return d, d.look()
}

// ErrSettings says that goldens.yaml is wrong.
var ErrSettings = errors.New("the settings of the goldens cannot be used")

func readIfThere(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > largest) {
		err = fmt.Errorf("%s: it is no file of at most %d MiB", path, largest>>20)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// look takes the digests of all files in the directories of releases.
func (d *Directory) look() error {
	releases, err := os.ReadDir(d.Path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, release := range releases {
		if !release.IsDir() || strings.HasPrefix(release.Name(), ".") {
			continue
		}
		files, err := os.ReadDir(filepath.Join(d.Path, release.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			data, err := readIfThere(filepath.Join(d.Path, release.Name(), file.Name()))
			if err != nil {
				return err
			}
			d.Found[release.Name()+"/"+file.Name()] = appbur.DigestOf(data)
		}
	}
	return nil
}

// files reads the files of a release, and says whether they are those that were recorded.
func (d *Directory) files(entry golden.Entry) (files map[string][]byte, intact bool, err error) {
	files = map[string][]byte{}
	for path, digest := range entry.Files {
		if d.Found[path] != digest {
			return nil, false, nil
		}
		data, err := readIfThere(filepath.Join(d.Path, filepath.FromSlash(path)))
		if err != nil {
			return nil, false, err
		}
		files[strings.TrimPrefix(path, entry.Release+"/")] = data
	}
	return files, true, nil
}

// read makes a golden of files that are what was recorded.
func read(entry golden.Entry, files map[string][]byte) (Recorded, error) {
	r := Recorded{
		Golden:   golden.Golden{Release: entry.Release, Rows: map[string][]golden.Row{}, Opaque: map[string]appbur.Digest{}},
		Payloads: map[string][]byte{}, Schemas: map[string]SchemaFile{},
	}
	decoder := json.NewDecoder(bytes.NewReader(files[aboutFile]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r.About); err != nil {
		return r, fmt.Errorf("%s cannot be read: %s", aboutFile, strings.TrimPrefix(err.Error(), "json: "))
	}

	for _, d := range r.About.Datasets {
		if d.File == "" {
			continue
		}
		data, ok := files[d.File]
		if !ok {
			return r, fmt.Errorf("dataset %s: there is no file %q", d.Name, d.File)
		}
		r.Payloads[d.Name] = data
		if d.Opaque() {
			r.Opaque[d.Name] = appbur.DigestOf(data)
			continue
		}
		rows, err := decodeRows(data)
		if err != nil {
			return r, fmt.Errorf("%s: %w", d.File, err)
		}
		r.Rows[d.Name] = rows
	}
	return r, r.describe(files)
}

// decodeRows reads rows, one on each line.
func decodeRows(data []byte) ([]golden.Row, error) {
	rows := []golden.Row{}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		row, err := payload.DecodeRow(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
