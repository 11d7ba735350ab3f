package keyring

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

// ReplaceFingerprint puts another fingerprint key in the place of the old one,
// which nothing needs any more.
func (k *Keys) ReplaceFingerprint(key []byte) error {
	if err := durable.Replace(filepath.Join(k.Dir, FingerprintFile), fmt.Appendf(nil, "%x\n", key), 0o600); err != nil {
		return &Error{fmt.Errorf("replacing the fingerprint key: %w", err)}
	}
	k.fingerprint = key
	return nil
}

// ReplaceSigner puts another signing key in the place of the old one. The old
// public key is trusted up to and including the second at. The new key is trusted
// before it is used, and the old one limited after it was used last, so that a
// crash in between leaves nothing that does not verify.
func (k *Keys) ReplaceSigner(fresh seal.Keys, at time.Time) error {
	signer, err := seal.NewSigner(fresh.SigningKey)
	if err != nil {
		return err
	}
	path := filepath.Join(k.Dir, AllowedSignersFile)

	allowed, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{fmt.Errorf("trusted signers: %w", err)}
	}
	next := []byte(seal.AllowedSigner(Principal, fresh.AuthorizedKey))
	both := bytes.Join([][]byte{bytes.TrimRight(allowed, "\n"), next}, []byte("\n"))
	limited, err := seal.LimitSigner(both, Principal, k.signer.AuthorizedKey(), at.Truncate(time.Second).Add(time.Second))
	if err != nil {
		return &Error{fmt.Errorf("%s: %w", path, err)}
	}

	for _, file := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{{AllowedSignersFile, both, 0o644}, {SigningFile, fresh.SigningKey, 0o600}, {AllowedSignersFile, limited, 0o644}} {
		if err := durable.Replace(filepath.Join(k.Dir, file.name), file.data, file.mode); err != nil {
			return &Error{fmt.Errorf("replacing the signing key: %w", err)}
		}
	}

	k.signer = signer
	return nil
}
