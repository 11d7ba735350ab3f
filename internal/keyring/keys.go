package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/seal"
)

// The files of a key directory. Only identity.txt can decrypt; a machine that
// only backs up does not need it.
const (
	IdentityFile       = "identity.txt"
	FingerprintFile    = "fingerprint.key"
	SigningFile        = "signing.key"
	AllowedSignersFile = "allowed_signers"
)

// Principal is the name under which appbur's own signatures are known in
// allowed_signers (ssh-keygen(1), ALLOWED SIGNERS).
const Principal = "appbur"

// Keys are what the writing side needs: a key for fingerprints, so that
// unchanged Secrets keep their ciphertext, and a key for signatures.
type Keys struct {
	Dir         string
	fingerprint []byte
	signer      *seal.Signer
}

// Vacant refuses a directory that holds keys already.
func Vacant(dir string) error {
	for _, name := range []string{IdentityFile, FingerprintFile, SigningFile, AllowedSignersFile, SeenFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return &ExistsError{Dir: dir}
		}
	}
	return nil
}

// Create makes a key directory and returns the age recipient, and the files that it
// has made. It replaces none, and leaves none behind when it fails.
func Create(dir string, random io.Reader) (recipient string, made []string, err error) {
	defer func() {
		if err != nil {
			Discard(made)
		}
	}()
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("making the key directory: %w", err)
	}
	keys, err := seal.GenerateKeys(random, "appbur")
	if err != nil {
		return "", nil, err
	}

	for _, file := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{IdentityFile, []byte("# age identity of an appbur repository: who holds this file can read its Secrets\n# public key: " +
			keys.Recipient + "\n" + keys.Identity + "\n"), 0o600},
		{FingerprintFile, []byte(fmt.Sprintf("%x\n", keys.FingerprintKey)), 0o600},
		{SigningFile, keys.SigningKey, 0o600},
		{AllowedSignersFile, []byte(seal.AllowedSigner(Principal, keys.AuthorizedKey) + "\n"), 0o644},
	} {
		path := filepath.Join(dir, file.name)
		if err := durable.WriteNew(path, file.data, file.mode); err != nil {
			return "", made, fmt.Errorf("writing keys: %w", err)
		}
		made = append(made, path)
	}

	return keys.Recipient, made, nil
}

// Discard takes away keys that [Create] has made a moment ago, before anything is
// encrypted or signed with them.
func Discard(made []string) {
	for _, file := range made {
		_ = os.Remove(file) // what cannot be removed is told the next time
	}
}

// Load reads what the writing side needs.
func Load(dir string) (*Keys, error) {
	k := &Keys{Dir: dir}
	text, err := readKey(dir, FingerprintFile)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(text)), "%x", &k.fingerprint); err != nil || len(k.fingerprint) != 32 {
		return nil, &Error{appbur.WithHint(fmt.Errorf("%s is not a fingerprint key", filepath.Join(dir, FingerprintFile)),
			"it holds 64 hexadecimal digits; restore it from where you keep your keys")}
	}
	pem, err := readKey(dir, SigningFile)
	if err != nil {
		return nil, err
	}
	if k.signer, err = seal.NewSigner(pem); err != nil {
		return nil, &Error{appbur.WithHint(fmt.Errorf("%s: %w", filepath.Join(dir, SigningFile), err),
			"it is an OpenSSH ed25519 private key without a passphrase")}
	}
	return k, nil
}

func readKey(dir, name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{&MissingError{Name: name, Dir: dir}}
	}
	if err != nil {
		return nil, &Error{appbur.WithHint(fmt.Errorf("reading a key: %w", err), "the file must be readable by you, and by nobody else")}
	}
	return data, nil
}

// FingerprintKey is the key of the fingerprints of what is encrypted.
func (k *Keys) FingerprintKey() []byte { return k.fingerprint }

// Signer signs what appbur writes.
func (k *Keys) Signer() *seal.Signer { return k.signer }

// Files are the files that the keys came from.
func (k *Keys) Files() []string {
	return []string{filepath.Join(k.Dir, FingerprintFile), filepath.Join(k.Dir, SigningFile)}
}
