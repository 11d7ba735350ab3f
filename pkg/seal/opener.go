package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"regexp"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// Opener decrypts what a [Sealer] sealed. It is safe for concurrent use.
type Opener struct{ identities []age.Identity }

// NewOpener reads age private keys, one per line, as age-keygen writes them:
// empty lines and lines that begin with "#" are passed over.
func NewOpener(identities string) (*Opener, error) {
	parsed, err := age.ParseIdentities(strings.NewReader(identities))
	if err != nil {
		// The message of the age module may quote the line, which may be a key.
		return nil, appbur.WithHint(fmt.Errorf("private key: %w", ErrFormat), "want a file with lines that begin with AGE-SECRET-KEY-1, as age-keygen writes it")
	}
	return &Opener{parsed}, nil
}

func noIdentityMatch(recipients []string) error {
	err := fmt.Errorf("%w: %s", ErrNoIdentityMatch, strings.Join(recipients, ", "))
	return appbur.WithHint(err, "give the private key (AGE-SECRET-KEY-1…) of one of these recipients")
}

// OpenManifest returns the manifest inside a SOPS file, as YAML that means what
// was sealed. Its bytes may differ in quoting from those that were sealed.
//
// The errors wrap [ErrNoIdentityMatch], [ErrTampered], [ErrUnsupported] or
// [ErrFormat].
func (o *Opener) OpenManifest(sealed []byte) ([]byte, error) {
	root, err := parseDocument(sealed)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	block := takeKey(root, metadataKey)
	if block == nil || takeKey(root, metadataKey) != nil {
		return nil, fmt.Errorf("open manifest: %w: want one key %q", ErrFormat, metadataKey)
	}
	m, rule, err := parseMetadata(block)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	dataKey, err := unwrapDataKey(m.Age, o.identities)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	values, err := newValueCipher(dataKey, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	if err := openValues(root, values, m, rule); err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	plain, err := encodeFaithfully(root)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	return plain, nil
}

// openValues puts the plain values in place of the encrypted ones and checks the
// authentication code of the whole.
func openValues(root *yaml.Node, values valueCipher, m metadata, rule *regexp.Regexp) error {
	content := newContentHash()
	err := walkLeaves(root, nil, func(n *yaml.Node, path []string) error {
		if !selects(rule, path) {
			_, data, err := leafBytes(n)
			content.Write(data)
			return err
		}
		if n.ShortTag() != "!!str" {
			return fmt.Errorf("%w: a value that must be encrypted is not", ErrTampered)
		}
		kind, data, err := values.decrypt(n.Value, additionalData(path))
		if err != nil {
			return err
		}
		content.Write(data)
		opened, err := leafNode(kind, data)
		if err != nil {
			return err
		}
		*n = *opened
		return nil
	})
	if err != nil {
		return err
	}
	_, want, err := values.decrypt(m.MAC, m.LastModified)
	if err != nil {
		return fmt.Errorf("authentication code: %w", err)
	}
	if subtle.ConstantTimeCompare(want, []byte(content.text())) != 1 {
		return fmt.Errorf("%w: the authentication code does not fit the values", ErrTampered)
	}
	return nil
}

// IsSealed reports whether data has the form of a sealed manifest or piece. It
// looks at the form alone: whether it can be opened, only an [Opener] knows.
func IsSealed(data []byte) bool {
	if bytes.HasPrefix(data, []byte(pieceMagic)) {
		return true
	}
	// Only a key of the root can begin a line at its first column.
	at := bytes.Index(data, []byte("\n"+metadataKey+":\n"))
	return at >= 0 && bytes.Contains(data[at:], []byte(" mac: ENC["))
}
