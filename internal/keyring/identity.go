package keyring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/seal"
)

// IdentityPath is the file that [LoadOpener] reads.
func IdentityPath(keysDir, path string) string {
	if path == "" {
		return filepath.Join(keysDir, IdentityFile)
	}
	return path
}

// LoadOpener reads an age identity file: the key directory's own when path is
// empty.
func LoadOpener(keysDir, path string) (*seal.Opener, error) {
	if path == "" && keysDir == "" {
		return nil, &Error{&IdentityError{}}
	}
	path = IdentityPath(keysDir, path)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &Error{&IdentityError{Err: err}}
	}
	opener, err := seal.NewOpener(string(text))
	if err != nil {
		return nil, &Error{appbur.WithHint(fmt.Errorf("%s: %w", path, err), "it holds lines that begin with AGE-SECRET-KEY-1")}
	}
	return opener, nil
}

// AppendIdentity adds an age identity to the file of identities. Nothing in the
// file is rewritten: what it held, it holds.
func AppendIdentity(dir string, fresh seal.Keys, at time.Time) error {
	path := filepath.Join(dir, IdentityFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return &Error{fmt.Errorf("writing the new identity: %w", err)}
	}
	// A newline first: the last line may have lost its own.
	_, err = fmt.Fprintf(f, "\n# added %s\n# public key: %s\n%s\n", at.UTC().Format(time.RFC3339), fresh.Recipient, fresh.Identity)
	if err := errors.Join(err, f.Sync(), f.Close(), durable.SyncDir(dir)); err != nil {
		return &Error{fmt.Errorf("writing the new identity: %w", err)}
	}
	return nil
}
