package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
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
		return nil, appbur.WithHint(fmt.Errorf("private key: %w", ErrFormat),
			"want a file with lines that begin with AGE-SECRET-KEY-1, as age-keygen writes it")
	}
	return &Opener{parsed}, nil
}

func noIdentityMatch(recipients []string) error {
	err := fmt.Errorf("%w: %s", ErrNoIdentityMatch, appbur.Shortlist(recipients, 3))
	return appbur.WithHint(err, "give the private key (AGE-SECRET-KEY-1…) of one of these recipients")
}

// OpenManifest returns the manifest inside a SOPS file, as YAML that means what
// was sealed. Its bytes may differ in quoting from those that were sealed.
//
// The errors wrap [ErrNoIdentityMatch], [ErrTampered], [ErrUnsupported] or
// [ErrFormat].
func (o *Opener) OpenManifest(sealed []byte) ([]byte, error) {
	plain, _, err := o.open(sealed)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	return plain, nil
}

// open returns the manifest and by what its values were selected.
func (o *Opener) open(sealed []byte) ([]byte, selection, error) {
	d, err := parseSealed(sealed)
	if err != nil {
		return nil, selection{}, err
	}
	if err := o.decrypt(d); err != nil {
		return nil, selection{}, err
	}
	plain, err := encodeFaithfully(d.root)
	return plain, d.selected, err
}

// decrypt puts the plain values in place of the encrypted ones.
func (o *Opener) decrypt(d sealedDocument) error {
	dataKey, err := unwrapDataKey(d.metadata.Age, o.identities)
	if err != nil {
		return err
	}
	values, err := newValueCipher(dataKey, rand.Reader)
	if err != nil {
		return err
	}
	return openValues(d.root, values, d.metadata, d.selected)
}

// openValues puts the plain values in place of the encrypted ones and checks the
// authentication code of the complete file.
func openValues(root *yaml.Node, values valueCipher, m metadata, selected selection) error {
	content := newContentHash()
	err := walkLeaves(root, nil, func(n *yaml.Node, path []string) error {
		if !selected.has(path) {
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

// Recipients returns the public keys of the private keys that the opener holds,
// in their order. Keys of a kind that recipients cannot be are left out.
func (o *Opener) Recipients() []string {
	var list []string
	for _, identity := range o.identities {
		if x, ok := identity.(*age.X25519Identity); ok {
			list = append(list, x.Recipient().String())
		}
	}
	return list
}

// IsSealed reports whether data has the form of a sealed manifest or piece. It
// looks at the form alone: whether it can be opened, only an [Opener] knows.
//
// SOPS puts its block last. An object that is a SOPS file itself, such as a
// SopsSecret custom resource in canonical form, goes on with its spec and is not
// sealed.
func IsSealed(data []byte) bool {
	if bytes.HasPrefix(data, []byte(pieceMagic)) {
		return true
	}
	// Only a key of the root can begin a line at its first column.
	start := []byte("\n" + appbur.SealedKey + ":\n")
	at := bytes.LastIndex(data, start)
	if at < 0 {
		return false
	}
	block := data[at+len(start):]
	for line := range bytes.Lines(block) {
		if line[0] != ' ' && line[0] != '\n' && line[0] != '\r' {
			return false
		}
	}
	return bytes.Contains(block, []byte(" mac: ENC["))
}
