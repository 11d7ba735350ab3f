package appbur

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// digestPrefix starts the text form of every digest. It names the algorithm so
// that a second one can be told apart if it ever comes.
const digestPrefix = "sha256:"

// Digest is the SHA-256 of some bytes. It is comparable, so it can be a map key.
// The zero value is the digest of nothing in particular; see [Digest.IsZero].
type Digest [sha256.Size]byte

// DigestOf returns the digest of data.
func DigestOf(data []byte) Digest { return sha256.Sum256(data) }

// ParseDigest reads the form that [Digest.String] writes: "sha256:" followed by
// 64 lower-case hexadecimal digits, and nothing else.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	hexDigits, ok := strings.CutPrefix(s, digestPrefix)
	if !ok {
		return d, fmt.Errorf("digest %q does not start with %q", s, digestPrefix)
	}
	if len(hexDigits) != 2*len(d) {
		return d, fmt.Errorf("digest %q has %d hexadecimal digits, want %d", s, len(hexDigits), 2*len(d))
	}
	if strings.ToLower(hexDigits) != hexDigits {
		return d, fmt.Errorf("digest %q has upper-case digits", s)
	}
	if _, err := hex.Decode(d[:], []byte(hexDigits)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// String returns "sha256:" and 64 lower-case hexadecimal digits.
func (d Digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

// Short returns the first twelve hexadecimal digits, for people.
func (d Digest) Short() string { return hex.EncodeToString(d[:6]) }

// IsZero reports whether d is the zero value, which no data is known to have.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText implements [encoding.TextMarshaler].
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseDigest].
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
