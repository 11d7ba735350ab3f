package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/seal"
)

// appendIdentity adds an age identity to the file of identities. Nothing in the
// file is rewritten: what it held, it holds.
func appendIdentity(dir string, fresh seal.Keys, at time.Time) error {
	path := filepath.Join(dir, identityFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return &KeyError{fmt.Errorf("writing the new identity: %w", err)}
	}
	// A newline first: the last line may have lost its own.
	_, err = fmt.Fprintf(f, "\n# added %s\n# public key: %s\n%s\n", at.UTC().Format(time.RFC3339), fresh.Recipient, fresh.Identity)
	if err := errors.Join(err, f.Sync(), f.Close(), durable.SyncDir(dir)); err != nil {
		return &KeyError{fmt.Errorf("writing the new identity: %w", err)}
	}
	return nil
}

// replaceFingerprint puts another fingerprint key in the place of the old one,
// which nothing needs any more.
func (k *Keys) replaceFingerprint(key []byte) error {
	if err := durable.Replace(filepath.Join(k.Dir, fingerprintFile), fmt.Appendf(nil, "%x\n", key), 0o600); err != nil {
		return &KeyError{fmt.Errorf("replacing the fingerprint key: %w", err)}
	}
	k.fingerprint = key
	return nil
}

// replaceSigner puts another signing key in the place of the old one. The old
// public key is trusted up to and including the second at. The new key is trusted
// before it is used, and the old one limited after it was used last, so that a
// crash in between leaves nothing that does not verify.
func (k *Keys) replaceSigner(fresh seal.Keys, at time.Time) error {
	signer, err := seal.NewSigner(fresh.SigningKey)
	if err != nil {
		return err
	}
	path := filepath.Join(k.Dir, allowedSignersFile)

	allowed, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &KeyError{fmt.Errorf("trusted signers: %w", err)}
	}
	next := []byte(seal.AllowedSigner(signerPrincipal, fresh.AuthorizedKey))
	both := bytes.Join([][]byte{bytes.TrimRight(allowed, "\n"), next}, []byte("\n"))
	limited, err := seal.LimitSigner(both, signerPrincipal, k.signer.AuthorizedKey(), at.Truncate(time.Second).Add(time.Second))
	if err != nil {
		return &KeyError{fmt.Errorf("%s: %w", path, err)}
	}

	for _, file := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{{allowedSignersFile, both, 0o644}, {signingFile, fresh.SigningKey, 0o600}, {allowedSignersFile, limited, 0o644}} {
		if err := durable.Replace(filepath.Join(k.Dir, file.name), file.data, file.mode); err != nil {
			return &KeyError{fmt.Errorf("replacing the signing key: %w", err)}
		}
	}

	k.signer = signer
	return nil
}
