package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// The purposes keep the fingerprints of manifests and pieces, and marks, apart.
const (
	manifestPurpose = "appbur sealed manifest v1"
	piecePurpose    = "appbur sealed piece v1"
	markPurpose     = "appbur mark v1"
)

// fingerprintPrefix names the algorithm.
const fingerprintPrefix = "hmac-sha256:"

const fingerprintSize = len(fingerprintPrefix) + 2*sha256.Size

// fingerprinter computes keyed fingerprints.
type fingerprinter struct{ key []byte }

func newFingerprinter(key []byte) (fingerprinter, error) {
	if len(key) != FingerprintKeySize {
		return fingerprinter{}, fmt.Errorf("fingerprint key: %w: %d bytes, want %d", ErrFormat, len(key), FingerprintKeySize)
	}
	return fingerprinter{bytes.Clone(key)}, nil
}

// of binds a plaintext to the recipients and to one sealed form of it. Since the
// sealed form is random, equal plaintexts have different fingerprints. Lengths go
// in as well, so that no two lists of parts are the same bytes.
func (f fingerprinter) of(purpose string, recipients recipientSet, plain, sealed []byte) string {
	mac := hmac.New(sha256.New, f.key)
	for _, part := range [][]byte{[]byte(purpose), []byte(recipients.String()), plain, sealed} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write(part)
	}
	return fingerprintPrefix + hex.EncodeToString(mac.Sum(nil))
}

// equalFingerprints compares in constant time.
func equalFingerprints(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
