package repository

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

// The files of a key directory. Only identity.txt can decrypt; a machine that
// only backs up does not need it.
const (
	identityFile       = "identity.txt"
	fingerprintFile    = "fingerprint.key"
	signingFile        = "signing.key"
	allowedSignersFile = "allowed_signers"
)

// signerPrincipal is the name under which appbur's own signatures are known in
// allowed_signers (ssh-keygen(1), ALLOWED SIGNERS).
const signerPrincipal = "appbur"

// Keys are what the writing side needs: a key for fingerprints, so that
// unchanged Secrets keep their ciphertext, and a key for signatures.
type Keys struct {
	Dir         string
	fingerprint []byte
	signer      *seal.Signer
}

// keysAreFree refuses a directory that holds keys already.
func keysAreFree(dir string) error {
	for _, name := range []string{identityFile, fingerprintFile, signingFile, allowedSignersFile, seenFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return appbur.WithHint(fmt.Errorf("%s holds keys already", dir), "pass --keys with another directory; keys are never replaced")
		}
	}
	return nil
}

// createKeys makes a key directory and returns the age recipient.
func createKeys(dir string, random io.Reader) (recipient string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the key directory: %w", err)
	}
	keys, err := seal.GenerateKeys(random, "appbur")
	if err != nil {
		return "", err
	}
	for _, file := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{identityFile, []byte("# age identity of an appbur repository: who holds this file can read its Secrets\n# public key: " + keys.Recipient + "\n" + keys.Identity + "\n"), 0o600},
		{fingerprintFile, []byte(fmt.Sprintf("%x\n", keys.FingerprintKey)), 0o600},
		{signingFile, keys.SigningKey, 0o600},
		{allowedSignersFile, []byte(seal.AllowedSigner(signerPrincipal, keys.AuthorizedKey) + "\n"), 0o644},
	} {
		if err := writeNew(filepath.Join(dir, file.name), file.data, file.mode); err != nil {
			return "", fmt.Errorf("writing keys: %w", err)
		}
	}
	return keys.Recipient, nil
}

// writeNew writes a file that must not exist yet.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// LoadKeys reads what the writing side needs.
func LoadKeys(dir string) (*Keys, error) {
	k := &Keys{Dir: dir}
	text, err := readKey(dir, fingerprintFile)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(text)), "%x", &k.fingerprint); err != nil || len(k.fingerprint) != 32 {
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("%s is not a fingerprint key", filepath.Join(dir, fingerprintFile)),
			"it holds 64 hexadecimal digits; restore it from where you keep your keys")}
	}
	pem, err := readKey(dir, signingFile)
	if err != nil {
		return nil, err
	}
	if k.signer, err = seal.NewSigner(pem); err != nil {
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("%s: %w", filepath.Join(dir, signingFile), err),
			"it is an OpenSSH ed25519 private key without a passphrase")}
	}
	return k, nil
}

func readKey(dir, name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("no %s in the key directory %s", name, dir),
			"pass --keys DIR, the directory that `appbur init` printed")}
	}
	if err != nil {
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("reading a key: %w", err), "the file must be readable by you, and by nobody else")}
	}
	return data, nil
}

// KeyError means that a key is missing, unreadable or of the wrong kind.
type KeyError struct{ err error }

// Error implements error.
func (e *KeyError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *KeyError) Unwrap() error { return e.err }

// IdentityFile is the file that [LoadOpener] reads.
func IdentityFile(keysDir, path string) string {
	if path == "" {
		return filepath.Join(keysDir, identityFile)
	}
	return path
}

// Files are the files that the keys came from.
func (k *Keys) Files() []string {
	return []string{filepath.Join(k.Dir, fingerprintFile), filepath.Join(k.Dir, signingFile)}
}

// ExposedKey is a key file that others than its owner can read or write.
type ExposedKey struct {
	File string
	Mode fs.FileMode
}

// ExposedKeys returns those of some key files. One that cannot be looked at is not
// among them.
func ExposedKeys(files []string) []ExposedKey {
	var exposed []ExposedKey
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			exposed = append(exposed, ExposedKey{file, info.Mode().Perm()})
		}
	}
	return exposed
}

// LoadOpener reads an age identity file: the key directory's own when path is
// empty.
func LoadOpener(keysDir, path string) (*seal.Opener, error) {
	var (
		text []byte
		err  error
	)
	path = IdentityFile(keysDir, path)
	text, err = os.ReadFile(path)
	if err != nil {
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("the age identity that decrypts Secrets cannot be read: %w", err),
			"pass --identity FILE with the identity that `appbur init` made, or set SOPS_AGE_KEY_FILE")}
	}
	opener, err := seal.NewOpener(string(text))
	if err != nil {
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("%s: %w", path, err), "it holds lines that begin with AGE-SECRET-KEY-1")}
	}
	return opener, nil
}

// TrustRoot reads whom to believe: the given allowed_signers file, or the one in
// the key directory. It returns nil when there is none.
func TrustRoot(keysDir, path string) ([]byte, error) {
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, &KeyError{appbur.WithHint(fmt.Errorf("trusted signers: %w", err), "pass --trust FILE in the format of allowed_signers")}
		}
		return data, nil
	}
	data, err := os.ReadFile(filepath.Join(keysDir, allowedSignersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &KeyError{fmt.Errorf("trusted signers: %w", err)}
	}
	return data, nil
}
