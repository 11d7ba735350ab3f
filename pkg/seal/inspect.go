package seal

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/age"
)

// PieceInfo is what a sealed piece shows without a private key.
type PieceInfo struct {
	// Recipients counts those that the piece was encrypted to. Who they are, age
	// keeps to itself.
	Recipients int
}

// InspectPiece looks at the form of a sealed piece: its header, the header of the age
// file in it, and that encrypted bytes follow. Whether they can be decrypted, only an
// [Opener] knows. The error wraps [ErrFormat].
func InspectPiece(sealed []byte) (PieceInfo, error) {
	_, body, err := cutPiece(sealed)
	if err != nil {
		return PieceInfo{}, fmt.Errorf("sealed piece: %w", err)
	}
	var info PieceInfo
	counter := stanzaCounter{&info.Recipients}
	_, err = age.Decrypt(bytes.NewReader(body), counter)
	var mismatch *age.NoIdentityMatchError
	if !errors.As(err, &mismatch) {
		return PieceInfo{}, fmt.Errorf("sealed piece: %w: %w", ErrFormat, err)
	}
	// The header ends with its own code, in a line that begins with three dashes.
	_, payload, found := bytes.Cut(body, []byte("\n--- "))
	_, payload, ended := bytes.Cut(payload, []byte{'\n'})
	if !found || !ended || len(payload) < pieceOverhead {
		return PieceInfo{}, fmt.Errorf("sealed piece: %w: the encrypted bytes are cut off", ErrFormat)
	}
	return info, nil
}

// pieceOverhead is what age adds to the shortest plaintext: a nonce and one
// authentication code.
const pieceOverhead = 16 + 16

// stanzaCounter is an identity that opens nothing and counts the X25519 recipients
// that a file shows to it.
type stanzaCounter struct{ count *int }

// Unwrap implements [age.Identity].
func (c stanzaCounter) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type == "X25519" {
			*c.count++
		}
	}
	return nil, age.ErrIncorrectIdentity
}
