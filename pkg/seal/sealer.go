package seal

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// Sealer encrypts to fixed recipients. It holds no private key, so what it sealed
// it cannot open. It is safe for concurrent use if its source of randomness is.
type Sealer struct {
	recipients   recipientSet
	fingerprints fingerprinter
	random       io.Reader
	now          func() time.Time
}

// NewSealer makes a sealer for age public keys. The fingerprint key has
// [FingerprintKeySize] bytes. Data keys and nonces come from random, normally
// [crypto/rand.Reader]; now is the clock that files are dated by.
func NewSealer(recipients []string, fingerprintKey []byte, random io.Reader, now func() time.Time) (*Sealer, error) {
	set, err := parseRecipients(recipients)
	if err != nil {
		return nil, err
	}
	fingerprints, err := newFingerprinter(fingerprintKey)
	if err != nil {
		return nil, err
	}
	return &Sealer{recipients: set, fingerprints: fingerprints, random: random, now: now}, nil
}

// SealManifest returns the SOPS file of a Secret: [Sealer.SealManifestPaths] for
// data and stringData.
func (s *Sealer) SealManifest(plain, previous []byte) ([]byte, error) {
	return s.SealManifestPaths(plain, previous, secretData)
}

// SealManifestPaths returns the SOPS file of a manifest, one YAML document, with
// everything below the secret paths encrypted. A path is the keys of maps from the
// root on; lists are passed through without a key, so a path is about all elements
// of one. It may lead nowhere.
//
// SOPS selects by the names of keys alone. Each path is therefore stood for by one
// of its keys, and other values below a key of that name are encrypted, too. The
// apiVersion, kind, name and namespace never are: a path that cannot be encrypted
// without them is [ErrUnsupported].
//
// previous is what is stored in Git now, or nil. It is returned byte for byte when this
// sealer, or another one with the same fingerprint key, made it of the same plain
// bytes, with the same selection, for the same recipients, and it was not altered
// since.
func (s *Sealer) SealManifestPaths(plain, previous []byte, secret [][]string) ([]byte, error) {
	document := sync.OnceValues(func() (*yaml.Node, error) { return parseDocument(plain) })
	selected, err := selectPaths(secret, document)
	if err != nil {
		return nil, fmt.Errorf("seal manifest: %w", err)
	}
	return s.sealManifest(plain, previous, selected, secret, document)
}

// ResealManifest opens a sealed manifest and seals it for the recipients and with
// the fingerprint key of this sealer, with the selection that it had. canonical
// turns what was opened into the bytes that the next [Sealer.SealManifestPaths]
// will be given, so that it keeps the result. The values stay in memory.
func (s *Sealer) ResealManifest(sealed []byte, opener *Opener, canonical func(opened []byte) ([]byte, error)) ([]byte, error) {
	opened, selected, err := opener.open(sealed)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	plain, err := canonical(opened)
	if err != nil {
		return nil, err
	}
	return s.sealManifest(plain, nil, selected, nil, func() (*yaml.Node, error) { return parseDocument(plain) })
}

// sealManifest keeps the previous file or makes a new one. Values below the secret
// paths that the selection does not have are an error.
func (s *Sealer) sealManifest(plain, previous []byte, selected selection, secret [][]string, document func() (*yaml.Node, error)) ([]byte,
	error,
) {
	if body, fingerprint, ok := cutFingerprint(previous); ok &&
		equalFingerprints(fingerprint, s.fingerprints.of(manifestPurpose, s.recipients, plain, body)) && selectsBy(body, selected) {
		return previous, nil
	}
	root, err := document()
	if err != nil {
		return nil, fmt.Errorf("seal manifest: %w", err)
	}

	if takeMetadata(root) != nil {
		return nil, appbur.WithHint(fmt.Errorf("seal manifest: %w: it has a key %q already", ErrFormat, appbur.SealedKey),
			"the object is a SOPS file itself; it needs no sealing")
	}
	if len(root.Content) == 0 {
		return nil, fmt.Errorf("seal manifest: %w: it is empty", ErrFormat)
	}

	// SOPS's block follows as text, so the root must be in block style.
	root.Style = 0
	body, err := s.seal(root, selected, secret)
	if err != nil {
		return nil, fmt.Errorf("seal manifest: %w", err)
	}
	return appendFingerprint(body, s.fingerprints.of(manifestPurpose, s.recipients, plain, body)), nil
}

// seal encrypts the selected values of a document and returns the file up to the
// fingerprint.
func (s *Sealer) seal(root *yaml.Node, selected selection, secret [][]string) ([]byte, error) {
	dataKey := make([]byte, dataKeySize)
	if _, err := io.ReadFull(s.random, dataKey); err != nil {
		return nil, fmt.Errorf("random data key: %w", err)
	}
	values, err := newValueCipher(dataKey, s.random)
	if err != nil {
		return nil, err
	}

	content := newContentHash()
	err = walkLeaves(root, nil, func(n *yaml.Node, path []string) error {
		kind, data, err := leafBytes(n)
		if err != nil {
			return err
		}
		content.Write(data)
		if !selected.has(path) {
			if below(path, secret) {
				return fmt.Errorf("%w: the selection does not reach the value", ErrUnsupported)
			}
			return nil
		}
		if kind == typeTime {
			return fmt.Errorf("%w: a time without quotes", ErrUnsupported)
		}
		text, err := values.encrypt(kind, data, additionalData(path))
		if err != nil {
			return err
		}
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
		return nil
	})
	if err != nil {
		return nil, err
	}

	document, err := encodeFaithfully(root)
	if err != nil {
		return nil, err
	}
	m := metadata{LastModified: s.now().UTC().Format(time.RFC3339), EncryptedRegex: selected.encryptedRegex(), Version: sopsVersion}
	if m.MAC, err = values.encrypt(typeString, []byte(content.text()), m.LastModified); err != nil {
		return nil, err
	}
	if m.Age, err = wrapDataKey(dataKey, s.recipients); err != nil {
		return nil, err
	}
	return append(document, m.encode()...), nil
}

// encodeFaithfully writes a document and reads it again: the clear part is text
// from the cluster, and a style that the YAML encoder cannot keep must not change
// a value, since its authentication code would no longer fit. If that happens all
// strings are quoted.
func encodeFaithfully(root *yaml.Node) ([]byte, error) {
	want, err := valuesOf(root)
	if err != nil {
		return nil, err
	}

	for _, quote := range []bool{false, true} {
		if quote {
			quoteStrings(root)
		}
		out, err := encodeDocument(root)
		if err != nil {
			return nil, err
		}
		again, err := parseDocument(out)
		if err != nil {
			continue
		}
		if got, err := valuesOf(again); err == nil && bytes.Equal(got, want) {
			return out, nil
		}
	}

	return nil, fmt.Errorf("%w: the YAML encoder changes a value", ErrUnsupported)
}

func quoteStrings(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quoteStrings(child)
	}
}

// valuesOf returns all paths, types and values of a document as bytes that two
// documents share only if they mean the same.
func valuesOf(root *yaml.Node) ([]byte, error) {
	var out []byte
	err := walkLeaves(root, nil, func(n *yaml.Node, path []string) error {
		kind, data, err := leafBytes(n)
		out = fmt.Appendf(out, "%q %s %d ", path, kind, len(data))
		out = append(append(out, data...), '\n')
		return err
	})
	return out, err
}
