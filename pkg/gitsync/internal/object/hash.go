package object

import (
	"encoding/hex"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// Hash is the name of a Git object: the SHA-1 of its type, length and content. The
// zero value is Git's null object name and means "no object", for example the base
// of the first commit.
type Hash [20]byte

// ParseHash accepts exactly 40 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(len(h)) {
		return Hash{}, notAHash(s)
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return Hash{}, notAHash(s)
		}
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, notAHash(s)
	}
	return h, nil
}

func notAHash(s string) error {
	return fmt.Errorf("%q is not an object name: want 40 lower-case hexadecimal digits", s)
}

// IsZero is true for the null object name.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns 40 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short returns the first twelve digits, for people; nothing for the null object name.
func (h Hash) Short() string {
	if h.IsZero() {
		return ""
	}
	return hex.EncodeToString(h[:6])
}

// MarshalText writes 40 hexadecimal digits, and nothing for the null object name.
func (h Hash) MarshalText() ([]byte, error) {
	if h.IsZero() {
		return nil, nil
	}
	return hex.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*h = Hash{}
		return nil
	}
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// HashOf names an object by its type and content.
func HashOf(kind plumbing.ObjectType, content []byte) Hash {
	return Hash(plumbing.ComputeHash(kind, content))
}
