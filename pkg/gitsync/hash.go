package gitsync

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Hash is the id of a Git object: 40 lower-case hexadecimal digits. The empty
// Hash means "no object", for example the base of the first commit.
type Hash string

// ParseHash accepts exactly 40 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	if len(s) != 2*len(objectID{}) || strings.ToLower(s) != s {
		return "", fmt.Errorf("%q is not an object id: want 40 lower-case hexadecimal digits", s)
	}
	if _, err := hex.DecodeString(s); err != nil {
		return "", fmt.Errorf("%q is not an object id: %w", s, err)
	}
	return Hash(s), nil
}

// Short returns the first twelve digits, for people.
func (h Hash) Short() string { return string(h[:min(12, len(h))]) }

// objectID is the form of a Hash that trees and packs hold. The zero value
// stands for the empty Hash.
type objectID = plumbing.Hash

// idOf converts a hash that came from outside.
func idOf(h Hash) (objectID, error) {
	if _, err := ParseHash(string(h)); err != nil {
		return objectID{}, err
	}
	return plumbing.NewHash(string(h)), nil
}

// hashOf converts an id for the outside.
func hashOf(id objectID) Hash {
	if id.IsZero() {
		return ""
	}
	return Hash(id.String())
}
