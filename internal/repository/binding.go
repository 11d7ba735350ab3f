package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/keyring"
)

// BindingFormat is the version of binding files (docs/formats/binding.md).
const BindingFormat = 1

// Binding says which repository a directory holds and where its keys are, and with
// them whom to believe. It is in the user's configuration, outside the repository:
// a push, a remote or a prepared copy can change everything in a repository, so nothing
// in it may choose the keys that it is judged by.
type Binding struct {
	// Path is the directory of the copy, absolute and without symbolic links.
	Path string
	ID   ID
	// Keys is the key directory, absolute.
	Keys string
}

var (
	// ErrUnbound means that no user has said yet which keys to trust about a copy.
	ErrUnbound = errors.New("nobody has said yet whose signatures count for this copy of the repository")
	// ErrOtherRepository means that a repository has another id than the one that the
	// copy is bound to, or that its keys belong to.
	ErrOtherRepository = errors.New("this is not the repository that it was")
)

// bindingJSON is a binding as it is stored in its file.
type bindingJSON struct {
	Format     int    `json:"format"`
	Path       string `json:"path"`
	Repository string `json:"repository"`
	Keys       string `json:"keys"`
}

// resolve returns the one name of a directory that a binding goes by.
func resolve(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("finding the directory of the repository: %w", err)
	}
	return path, nil
}

// BindingFile is where a binding is below a root.
func BindingFile(root string, b Binding) string {
	sum := sha256.Sum256([]byte(b.Path))
	return filepath.Join(root, hex.EncodeToString(sum[:16])+".json")
}

// Bind writes the binding of an open repository below a root, in the place of an
// older one. The keys must not belong to another repository.
func (r *Repository) Bind(root, keysDir string) (Binding, error) {
	path, err := resolve(r.dir)
	if err != nil {
		return Binding{}, err
	}
	keys, err := filepath.Abs(keysDir)
	if err != nil {
		return Binding{}, fmt.Errorf("finding the key directory: %w", err)
	}
	if err := r.checkKeysAreOfThis(keys); err != nil {
		return Binding{}, err
	}

	b := Binding{Path: path, ID: r.config.Repository, Keys: keys}
	data, err := json.MarshalIndent(bindingJSON{BindingFormat, b.Path, string(b.ID), b.Keys}, "", "  ")
	if err != nil {
		return Binding{}, fmt.Errorf("writing a binding: %w", err)
	}
	if err := durable.MkdirAll(root, 0o700); err != nil {
		return Binding{}, fmt.Errorf("writing a binding: %w", err)
	}
	if err := durable.Replace(BindingFile(root, b), append(data, '\n'), 0o600); err != nil {
		return Binding{}, fmt.Errorf("writing a binding: %w", err)
	}
	return b, nil
}

// checkKeysAreOfThis compares the id with the one that a key directory has seen last.
func (r *Repository) checkKeysAreOfThis(keysDir string) error {
	seen, known, err := keyring.LastSeen(keysDir, SeenMain)
	if err != nil || !known || seen.Repository == string(r.config.Repository) {
		return err
	}
	return because(ReasonOtherKeys, fmt.Errorf("%w: the keys in %s belong to the repository %s, and %s says that it is %s",
		ErrOtherRepository, keysDir,
		seen.Repository, r.dir, r.config.Repository))
}

// ReadBinding reads the binding of the copy at a directory. The error wraps
// [ErrUnbound] if there is none.
func ReadBinding(root, dir string) (Binding, error) {
	path, err := resolve(dir)
	if err != nil {
		return Binding{}, err
	}
	file := BindingFile(root, Binding{Path: path})
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Binding{}, &Error{Reason: ReasonUnbound, Dir: dir, Err: fmt.Errorf("%w: %s", ErrUnbound, path)}
	}

	if err != nil {
		return Binding{}, &keyring.Error{Err: fmt.Errorf("reading the binding of %s: %w", path, err)}
	}
	b, err := parseBinding(data)
	if err == nil && b.Path != path {
		err = fmt.Errorf("it is of %s", b.Path)
	}
	if err != nil {
		return Binding{}, &keyring.Error{Err: because(ReasonBadBinding, fmt.Errorf("%s is not the binding of %s: %w", file, path, err))}
	}
	return b, nil
}

// parseBinding reads a binding file, in the one form that Bind writes.
func parseBinding(data []byte) (Binding, error) {
	var raw bindingJSON
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return Binding{}, err
	}
	if raw.Format != BindingFormat {
		return Binding{}, fmt.Errorf("it has format %d, this release reads format %d", raw.Format, BindingFormat)
	}
	id, err := ParseID(raw.Repository)
	if err != nil {
		return Binding{}, err
	}
	if !filepath.IsAbs(raw.Path) || !filepath.IsAbs(raw.Keys) {
		return Binding{}, errors.New("its paths are not absolute")
	}
	return Binding{Path: raw.Path, ID: id, Keys: raw.Keys}, nil
}

// CheckBinding compares the id in appbur.yaml with the one that the copy is bound to.
// A difference is refused, never followed: whoever can push can write any id.
func (r *Repository) CheckBinding(b Binding) error {
	if r.config.Repository == b.ID {
		return nil
	}
	return &Error{Reason: ReasonRebound, Dir: r.dir, Err: fmt.Errorf("%w: %s is bound to the repository %s, and its %s now says %s",
		ErrOtherRepository, b.Path, b.ID,
		appbur.RepositoryFile, r.config.Repository)}
}
