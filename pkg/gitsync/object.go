package gitsync

import "github.com/appbur/appbur/pkg/gitsync/internal/object"

// The values of Git that this package takes and returns.
type (
	// Hash is the name of a Git object. The zero value means "no object".
	Hash = object.Hash
	// Commit is a commit as it is stored.
	Commit = object.Commit
	// Tag is an annotated tag as it is stored.
	Tag = object.Tag
	// Person is the author of a commit, or who made it.
	Person = object.Person
	// Trailer is a line "Key: value" at the end of a message.
	Trailer = object.Trailer
)

// ParseHash accepts exactly 40 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) { return object.ParseHash(s) }
