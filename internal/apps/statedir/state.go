package statedir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// Format is the version of the format that this package writes, and the only one that it reads.
const Format = 1

// stateFile is the name of the file that says what the others hold, mostState how long it can be.
const (
	stateFile = "state.json"
	mostState = 4 << 20
)

// ErrFormat is the error of a directory that is not in the format.
var ErrFormat = errors.New("it does not hold the state of an application")

// state is the content of state.json.
type state struct {
	Format   int       `json:"format"`
	Exported time.Time `json:"exported"`
	// Point is the restore point that it was taken of, empty if the application exported it.
	Point     appbur.RestorePointID `json:"restorePoint,omitempty"`
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	App       string                `json:"app"`
	Version   string                `json:"version"`
	Datasets  []dataset             `json:"datasets"`
}

type dataset struct {
	Name      string            `json:"name"`
	File      string            `json:"file"`
	Schema    string            `json:"schema"`
	MediaType string            `json:"mediaType"`
	Rows      int64             `json:"rows"`
	Size      int64             `json:"size"`
	Digest    appbur.Digest     `json:"digest"`
	Sensitive bool              `json:"sensitive,omitempty"`
	Key       []string          `json:"key,omitempty"`
	Positions []appbur.Position `json:"positions,omitempty"`
}

// parse reads state.json.
func parse(data []byte) (state, error) {
	var s state
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return state{}, fmt.Errorf("%w: %s cannot be read as JSON of its format (%s)", ErrFormat, stateFile, plain(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return state{}, fmt.Errorf("%w: something follows the end of %s", ErrFormat, stateFile)
	}
	return s, s.check()
}

// plain is an error of the JSON library without words of its own.
func plain(err error) string {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return fmt.Sprintf("%s cannot be a %s", mistyped.Field, mistyped.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func (s state) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w by its %s, because %s", ErrFormat, stateFile, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Format != Format:
		return wrong("its format is %d, this release knows %d", s.Format, Format)
	case s.Namespace == "" || s.Name == "" || s.App == "":
		return wrong("it does not say of which application it is")
	case len(s.Datasets) == 0:
		return wrong("it has no datasets")
	}

	names, files := make(map[string]bool), map[string]bool{stateFile: true}
	for _, d := range s.Datasets {
		switch {
		case d.Name == "" || names[d.Name]:
			return wrong("a dataset has no name, or that of another one (%q)", d.Name)
		case !isFile(d.File) || files[d.File]:
			return wrong("the file of dataset %s is none of this directory, or that of another one (%q)", d.Name, d.File)
		case d.Size < 0 || d.Rows < 0 || d.Digest.IsZero():
			return wrong("dataset %s: its size, rows or digest cannot be", d.Name)
		}
		names[d.Name], files[d.File] = true, true
	}
	return nil
}

// isFile reports whether a name is one of a file in the directory itself.
func isFile(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && filepath.Base(name) == name && !strings.ContainsAny(name, "/\\\x00")
}

// fileOf is the file of the n-th dataset, from 1: names of datasets are the application's, so only what is plain of
// them is in it.
func fileOf(n int, d appbur.Dataset) string {
	end := ".jsonl"
	if d.Opaque() {
		end = ".bin"
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, d.Name)
	return fmt.Sprintf("%02d-%.100s%s", n, plain, end)
}
