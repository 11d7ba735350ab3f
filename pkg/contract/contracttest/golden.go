package contracttest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// wantSuffix marks what must be exported after an import.
const wantSuffix = ".want"

// What `appbur compat record` keeps beside payloads: what the release said about itself, and
// descriptions of its rows.
const (
	aboutFile   = "about.json"
	schemaInfix = ".schema."
)

// ReadOlder reads golden payloads from a directory with one directory per release.
// In it, DATASET@SCHEMA with any ending, for example clusters@1.0.ndjson, is a
// payload, and the same name with .want behind it is what the application must
// export after the import. A directory of `appbur compat record` is one of these.
func ReadOlder(dir fs.FS) ([]Payload, error) {
	releases, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("golden payloads: %w", err)
	}

	var all []Payload
	for _, release := range releases {
		if !release.IsDir() {
			continue
		}
		p, err := readRelease(dir, release.Name())
		if err != nil {
			return nil, fmt.Errorf("golden payloads of release %s: %w", release.Name(), err)
		}
		all = append(all, p)
	}

	if len(all) == 0 {
		return nil, errors.New("golden payloads: there is no directory of a release")
	}
	return all, nil
}

func readRelease(dir fs.FS, release string) (Payload, error) {
	p := Payload{Release: release}
	files, err := fs.ReadDir(dir, release)
	if err != nil {
		return p, err
	}

	for _, file := range files {
		name := file.Name()
		if strings.HasSuffix(name, wantSuffix) || name == aboutFile || strings.Contains(name, schemaInfix) {
			continue
		}
		dataset, rest, found := strings.Cut(name, "@")
		major, rest, dotted := strings.Cut(rest, ".")
		minor, _, _ := strings.Cut(rest, ".")
		if !found || !dotted || dataset == "" || major == "" || minor == "" {
			return p, fmt.Errorf("%s is not DATASET@MAJOR.MINOR.ENDING", name)
		}
		d := PayloadDataset{Name: dataset, Schema: major + "." + minor}
		if d.Data, err = fs.ReadFile(dir, path.Join(release, name)); err != nil {
			return p, err
		}
		d.Want, err = fs.ReadFile(dir, path.Join(release, name+wantSuffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
		if err == nil && d.Want == nil {
			d.Want = []byte{}
		}
		p.Datasets = append(p.Datasets, d)
	}

	if len(p.Datasets) == 0 {
		return p, errors.New("there is no payload")
	}
	return p, nil
}
