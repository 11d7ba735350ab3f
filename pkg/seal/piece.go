package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// A sealed piece is one line, "appbur-sealed-piece/1 hmac-sha256:…", and an age
// file. `tail -n +2 PIECE | age -d -i KEY` opens it without appbur.
const pieceMagic = "appbur-sealed-piece/1 "

const pieceHeaderSize = len(pieceMagic) + fingerprintSize + 1

// SealPiece encrypts a piece of a payload. As with [Sealer.SealManifest],
// previous comes back byte for byte if it is the sealed form of the same plain
// bytes for the same recipients.
func (s *Sealer) SealPiece(plain, previous []byte) ([]byte, error) {
	if fingerprint, body, err := cutPiece(previous); err == nil &&
		equalFingerprints(fingerprint, s.fingerprints.of(piecePurpose, s.recipients, plain, body)) {
		return previous, nil
	}
	recipients := make([]age.Recipient, len(s.recipients))
	for i, r := range s.recipients {
		recipients[i] = r
	}
	var body bytes.Buffer

	w, err := age.Encrypt(&body, recipients...)
	if err != nil {
		return nil, fmt.Errorf("seal piece: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal piece: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal piece: %w", err)
	}
	header := pieceMagic + s.fingerprints.of(piecePurpose, s.recipients, plain, body.Bytes()) + "\n"
	return append([]byte(header), body.Bytes()...), nil
}

// markSize is how many bytes of a fingerprint a mark shows.
const markSize = 16

// Mark names something without showing it: the same text gets the same mark from
// everybody who holds the fingerprint key, and no one else can tell which text it
// is. domain keeps marks for one thing apart from those for another.
func (s *Sealer) Mark(domain string, text []byte) string {
	full := s.fingerprints.of(markPurpose, nil, []byte(domain), text)
	return full[len(fingerprintPrefix) : len(fingerprintPrefix)+2*markSize]
}

// OpenPiece reverses [Sealer.SealPiece]. The errors wrap [ErrNoIdentityMatch],
// [ErrTampered] or [ErrFormat].
func (o *Opener) OpenPiece(sealed []byte) ([]byte, error) {
	_, body, err := cutPiece(sealed)
	if err != nil {
		return nil, fmt.Errorf("open piece: %w", err)
	}
	r, err := age.Decrypt(bytes.NewReader(body), o.identities...)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) {
		return nil, fmt.Errorf("open piece: %w", noIdentityMatch([]string{"the recipients of the piece"}))
	}
	if err != nil {
		return nil, fmt.Errorf("open piece: %w: %w", ErrTampered, err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("open piece: %w: %w", ErrTampered, err)
	}
	return plain, nil
}

// cutPiece splits a sealed piece into its fingerprint and its age file.
func cutPiece(sealed []byte) (fingerprint string, body []byte, err error) {
	if len(sealed) < pieceHeaderSize || sealed[pieceHeaderSize-1] != '\n' {
		return "", nil, fmt.Errorf("%w: no header of a sealed piece", ErrFormat)
	}
	fingerprint, ok := strings.CutPrefix(string(sealed[:pieceHeaderSize-1]), pieceMagic)
	if !ok || !strings.HasPrefix(fingerprint, fingerprintPrefix) {
		return "", nil, fmt.Errorf("%w: no header of a sealed piece", ErrFormat)
	}
	return fingerprint, sealed[pieceHeaderSize:], nil
}
