package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// maxRelease bounds a record when decompressed. Secrets hold about 1 MiB, and the
// templates and manifests in them compress by ten to twenty; deflate can reach a
// thousand.
const maxRelease = 64 << 20

// The reasons why a record cannot be read.
var (
	// ErrEncrypted says that the record is still encrypted by SOPS.
	ErrEncrypted = errors.New("the record is encrypted")
	// ErrEncoding says that the data is not what Helm's storage drivers write.
	ErrEncoding = errors.New("the record is not encoded as Helm encodes it")
	// ErrTooLarge says that the record exceeds what is safe to read.
	ErrTooLarge = errors.New("the record is too large")
	// ErrNotRelease says that the data is encoded well and describes no release.
	ErrNotRelease = errors.New("the record holds no release")
	// ErrManifest says that documents of the manifest, or of hooks, hold no objects
	// that can be read. The others were read.
	ErrManifest = errors.New("the manifest is not completely readable")
)

// gzipMagic starts compressed records. Helm takes others for plain JSON, which it
// wrote before it compressed.
var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// expand undoes what the storage drivers do to JSON: gzip, then base64. No error
// here says anything about the content but positions.
func expand(encoded []byte) ([]byte, error) {
	packed, err := unbase64(encoded)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(packed, gzipMagic) {
		if len(packed) > maxRelease {
			return nil, tooLarge()
		}
		return packed, nil
	}

	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	plain, err := io.ReadAll(io.LimitReader(unzip, maxRelease+1))
	if err != nil {
		return nil, fmt.Errorf("%w: gzip: %w", ErrEncoding, err)
	}
	if len(plain) > maxRelease {
		return nil, tooLarge()
	}
	return plain, nil
}

func tooLarge() error {
	return fmt.Errorf("%w: it holds more than %d MiB when decompressed", ErrTooLarge, maxRelease>>20)
}

func unbase64(encoded []byte) ([]byte, error) {
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Decode(decoded, encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return decoded[:n], nil
}
