package repository

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
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

// createKeys makes a key directory and returns the age recipient, and the files that it
// has made. It replaces none, and leaves none behind when it fails.
func createKeys(dir string, random io.Reader) (recipient string, made []string, err error) {
	defer func() {
		if err != nil {
			discardKeys(made)
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
		{identityFile, []byte("# age identity of an appbur repository: who holds this file can read its Secrets\n# public key: " +
			keys.Recipient + "\n" + keys.Identity + "\n"), 0o600},
		{fingerprintFile, []byte(fmt.Sprintf("%x\n", keys.FingerprintKey)), 0o600},
		{signingFile, keys.SigningKey, 0o600},
		{allowedSignersFile, []byte(seal.AllowedSigner(signerPrincipal, keys.AuthorizedKey) + "\n"), 0o644},
	} {
		path := filepath.Join(dir, file.name)
		if err := durable.WriteNew(path, file.data, file.mode); err != nil {
			return "", made, fmt.Errorf("writing keys: %w", err)
		}
		made = append(made, path)
	}

	return keys.Recipient, made, nil
}

// discardKeys takes away keys that [createKeys] has made a moment ago, before anything is
// encrypted or signed with them.
func discardKeys(made []string) {
	for _, file := range made {
		_ = os.Remove(file) // what cannot be removed is told the next time
	}
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

// WritableByOthers returns those of some files and directories that others than their
// owner can write to. One that cannot be looked at is not among them.
func WritableByOthers(files []string) []ExposedKey {
	var exposed []ExposedKey
	for _, file := range files {
		// A directory with the sticky bit lets nobody replace the files of others.
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o022 != 0 && (!info.IsDir() || info.Mode()&fs.ModeSticky == 0) {
			exposed = append(exposed, ExposedKey{file, info.Mode().Perm()})
		}
	}
	return exposed
}

// LoadOpener reads an age identity file: the key directory's own when path is
// empty.
func LoadOpener(keysDir, path string) (*seal.Opener, error) {
	if path == "" && keysDir == "" {
		return nil, &KeyError{appbur.WithHint(errors.New("no age identity is known that decrypts Secrets"),
			"pass --identity FILE with the identity that `appbur init` made, or set SOPS_AGE_KEY_FILE")}
	}
	path = IdentityFile(keysDir, path)
	text, err := os.ReadFile(path)
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

// ErrNobodyTrusted means that there is no allowed_signers file, or that it names
// nobody. That is a reason to refuse, never to go on unchecked.
var ErrNobodyTrusted = errors.New("nobody is trusted yet")

// TrustFiles are the files and directories that decide what is believed: who can write
// to one of them can choose another trust root, or make a history be forgotten.
func TrustFiles(keysDir, path string) []string {
	var files []string
	if keysDir != "" {
		files = append(files, keysDir, filepath.Join(keysDir, seenFile))
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
		return filepath.Join(keysDir, allowedSignersFile)
	}
	return path
}

// TrustRoot reads whom to believe: the given allowed_signers file, or the one in
// the key directory. It names at least one signer; else the error wraps
// [ErrNobodyTrusted].
func TrustRoot(keysDir, path string) ([]byte, error) {
	const hint = "pass --trust FILE with the allowed_signers of the machine that takes the backups"
	file := trustFile(keysDir, path)
	if file == "" {
		return nil, appbur.WithHint(ErrNobodyTrusted, hint)
	}

	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == "":
		return nil, appbur.WithHint(fmt.Errorf("%w: there is no %s", ErrNobodyTrusted, file), hint)
	case err != nil:
		return nil, &KeyError{appbur.WithHint(fmt.Errorf("trusted signers: %w", err), "pass --trust FILE in the format of allowed_signers")}
	}

	signers, err := seal.ParseAllowedSigners(data)
	if err != nil {
		return nil, &KeyError{fmt.Errorf("%s: %w", file, err)}
	}
	if len(signers) == 0 {
		return nil, appbur.WithHint(fmt.Errorf("%w: %s names no signer", ErrNobodyTrusted, file), hint)
	}
	return data, nil
}

// trusted are those whom the writing side believes: the allowed signers and, when
// nobody has listed any, itself.
func (k *Keys) trusted() ([]byte, error) {
	data, err := TrustRoot(k.Dir, "")
	if errors.Is(err, ErrNobodyTrusted) {
		return []byte(seal.AllowedSigner(signerPrincipal, k.signer.AuthorizedKey())), nil
	}
	return data, err
}
