package seal

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/appbur/appbur"
)

// FingerprintKeySize is the length of a fingerprint key in bytes.
const FingerprintKeySize = 32

// Keys is everything that a new repository needs.
type Keys struct {
	// Identity is the age private key, "AGE-SECRET-KEY-1…". Only the side that
	// restores needs it.
	Identity string
	// Recipient is its public key, "age1…".
	Recipient string
	// FingerprintKey recognises unchanged secrets. It decrypts nothing, but with
	// it guesses at a value can be tested.
	FingerprintKey []byte
	// SigningKey is an Ed25519 private key in OpenSSH's PEM form.
	SigningKey []byte
	// AuthorizedKey is its public key as one line, "ssh-ed25519 AAAA… comment".
	AuthorizedKey string
}

// GenerateKeys makes new keys. The fingerprint key and the signing key come from
// random; the age module draws its own randomness. The comment names the signing
// key for people.
func GenerateKeys(random io.Reader, comment string) (Keys, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return Keys{}, fmt.Errorf("generate age key: %w", err)
	}
	k := Keys{
		Identity:       identity.String(),
		Recipient:      identity.Recipient().String(),
		FingerprintKey: make([]byte, FingerprintKeySize),
	}
	if _, err := io.ReadFull(random, k.FingerprintKey); err != nil {
		return Keys{}, fmt.Errorf("generate fingerprint key: %w", err)
	}

	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return Keys{}, fmt.Errorf("generate signing key: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed)

	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return Keys{}, fmt.Errorf("generate signing key: %w", err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return Keys{}, fmt.Errorf("generate signing key: %w", err)
	}
	k.SigningKey = pem.EncodeToMemory(block)
	k.AuthorizedKey = strings.TrimSpace(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + comment)
	return k, nil
}

// AllowedSigner returns the line that lets `git verify-commit` (with
// gpg.ssh.allowedSignersFile) and [ParseAllowedSigners] accept signatures of a
// public key in git's namespace, under the given principal.
func AllowedSigner(principal, authorizedKey string) string {
	return fmt.Sprintf("%s namespaces=%q %s\n", principal, signatureNamespace, strings.TrimSpace(authorizedKey))
}

// recipientSet is who can open what a sealer seals: sorted, each once, so that
// the order in a configuration does not matter.
type recipientSet []*age.X25519Recipient

func parseRecipients(texts []string) (recipientSet, error) {
	if len(texts) == 0 {
		return nil, appbur.WithHint(fmt.Errorf("recipients: %w: none given", ErrFormat),
			"give at least one age public key, or nobody could open the result")
	}
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	set := make(recipientSet, len(texts))
	for i, text := range texts {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("recipient %q: %w", text, err),
				"a recipient is an age public key that begins with age1; age-keygen -y shows that of a private key")
		}
		set[i] = r
	}
	return set, nil
}

// String returns the public keys, one per line.
func (s recipientSet) String() string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(r.String() + "\n")
	}
	return b.String()
}
