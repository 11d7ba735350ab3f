package seal

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// Manifest is a sealed manifest, read.
type Manifest struct {
	// Content is the object without the block of SOPS: maps, lists, texts and booleans, int64 for whole
	// numbers, float64 for others. A time is text, as it is in Kubernetes.
	Content map[string]any
	// Secrets are the paths below which values were or are encrypted: keys of maps from the
	// root on, sorted, none below another. They hold at least what was named secret; what is there
	// must not be shown.
	Secrets [][]string
	// Recipients are the age public keys that the file says it was encrypted to.
	Recipients []string
}

// ReadSealed reads a sealed manifest and leaves its values encrypted, which needs no private key. The
// errors wrap [ErrUnsupported] or [ErrFormat].
func ReadSealed(sealed []byte) (Manifest, error) {
	d, err := parseSealed(sealed)
	if err != nil {
		return Manifest{}, fmt.Errorf("sealed manifest: %w", err)
	}
	m, err := d.manifest()
	if err != nil {
		return Manifest{}, fmt.Errorf("sealed manifest: %w", err)
	}
	return m, nil
}

// ReadManifest reads a sealed manifest and decrypts its values. It means what [Opener.OpenManifest]
// returns, without writing and reading it again. The errors are those of OpenManifest.
func (o *Opener) ReadManifest(sealed []byte) (Manifest, error) {
	d, err := parseSealed(sealed)
	if err != nil {
		return Manifest{}, fmt.Errorf("open manifest: %w", err)
	}
	if err := o.decrypt(d); err != nil {
		return Manifest{}, fmt.Errorf("open manifest: %w", err)
	}
	m, err := d.manifest()
	if err != nil {
		return Manifest{}, fmt.Errorf("open manifest: %w", err)
	}
	return m, nil
}

// sealedDocument is a SOPS file, parsed: the document, and what its block says.
type sealedDocument struct {
	root     *yaml.Node
	metadata metadata
	selected selection
}

func parseSealed(sealed []byte) (sealedDocument, error) {
	root, err := parseDocument(sealed)
	if err != nil {
		return sealedDocument{}, err
	}
	block := takeMetadata(root)
	if block == nil || takeMetadata(root) != nil {
		return sealedDocument{}, fmt.Errorf("%w: want one key %q", ErrFormat, appbur.SealedKey)
	}
	m, selected, err := parseMetadata(block)
	return sealedDocument{root, m, selected}, err
}

func (d sealedDocument) manifest() (Manifest, error) {
	var m Manifest
	for _, key := range d.metadata.Age {
		m.Recipients = append(m.Recipients, key.Recipient)
	}
	err := walkLeaves(d.root, nil, func(_ *yaml.Node, path []string) error {
		if at := slices.IndexFunc(path, d.selected.rule.MatchString); at >= 0 {
			m.Secrets = append(m.Secrets, path[:at+1])
		}
		return nil
	})
	if err != nil {
		return Manifest{}, err
	}
	slices.SortFunc(m.Secrets, slices.Compare)
	m.Secrets = slices.CompactFunc(m.Secrets, slices.Equal)

	content, err := contentOf(d.root)
	if err != nil {
		return Manifest{}, err
	}
	m.Content, _ = content.(map[string]any) // the root of a document is a mapping
	return m, nil
}
