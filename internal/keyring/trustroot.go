package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/appbur/appbur/pkg/seal"
)

// ErrNobodyTrusted means that there is no allowed_signers file, or that it names
// nobody. That is a reason to refuse, never to go on unchecked.
var ErrNobodyTrusted = errors.New("nobody is trusted yet")

// TrustFiles are the files and directories that decide what is believed: who can write
// to one of them can choose another trust root, or make a history be forgotten.
func TrustFiles(keysDir, path string) []string {
	var files []string
	if keysDir != "" {
		files = append(files, keysDir, filepath.Join(keysDir, SeenFile))
	}
	if file := trustFile(keysDir, path); file != "" {
		files = append(files, file, filepath.Dir(file))
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// trustFile is the allowed_signers file that [TrustRoot] reads: the given one, or that
// of the key directory.
func trustFile(keysDir, path string) string {
	if path == "" && keysDir != "" {
		return filepath.Join(keysDir, AllowedSignersFile)
	}
	return path
}

// TrustRoot reads whom to believe: the given allowed_signers file, or the one in
// the key directory. It names at least one signer; else the error wraps
// [ErrNobodyTrusted].
func TrustRoot(keysDir, path string) ([]byte, error) {
	file := trustFile(keysDir, path)
	if file == "" {
		return nil, ErrNobodyTrusted
	}

	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == "":
		return nil, fmt.Errorf("%w: there is no %s", ErrNobodyTrusted, file)
	case err != nil:
		return nil, &Error{&TrustFileError{err}}
	}

	signers, err := seal.ParseAllowedSigners(data)
	if err != nil {
		return nil, &Error{fmt.Errorf("%s: %w", file, err)}
	}
	if len(signers) == 0 {
		return nil, fmt.Errorf("%w: %s names no signer", ErrNobodyTrusted, file)
	}
	return data, nil
}

// Trusted are those whom the writing side believes: the allowed signers and, when
// no user has listed any, itself.
func (k *Keys) Trusted() ([]byte, error) {
	data, err := TrustRoot(k.Dir, "")
	if errors.Is(err, ErrNobodyTrusted) {
		return []byte(seal.AllowedSigner(Principal, k.signer.AuthorizedKey())), nil
	}
	return data, err
}
