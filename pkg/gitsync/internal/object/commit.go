package object

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Commit is a commit as it is stored.
type Commit struct {
	Hash      Hash
	Tree      Hash
	Parents   []Hash
	Author    Person
	Committer Person
	// Authored and Time are the author's and the committer's time.
	Authored time.Time
	Time     time.Time
	Message  string
	// Trailers are those at the end of the message.
	Trailers []Trailer
	// Payload is what was signed and Signature the armored signature, nil if
	// there is none.
	Payload   []byte
	Signature []byte
}

// Subject returns the first line of the message.
func (c Commit) Subject() string {
	subject, _, _ := strings.Cut(c.Message, "\n")
	return subject
}

// ParseCommit reads the bytes of a commit. The payload is cut out of those very
// bytes and not encoded again, so that what is verified is what is stored.
func ParseCommit(data []byte) (Commit, error) {
	var c Commit
	var err error
	rest := data
	signed := false

	for len(rest) > 0 && rest[0] != '\n' {
		end := headerEnd(rest)
		key, value, _ := strings.Cut(strings.TrimSuffix(string(rest[:end]), "\n"), " ")
		switch key {
		case "tree":
			c.Tree, err = ParseHash(value)
		case "parent":
			var parent Hash
			parent, err = ParseHash(value)
			c.Parents = append(c.Parents, parent)
		case "author":
			c.Author, c.Authored, err = ParseIdentity(value)
		case "committer":
			c.Committer, c.Time, err = ParseIdentity(value)
		case signatureKey:
			signed = true
			c.Signature = []byte(strings.ReplaceAll(value, "\n ", "\n") + "\n")
		}
		if err != nil {
			return Commit{}, fmt.Errorf("%w: header %s: %w", ErrCorrupt, key, err)
		}
		if key != signatureKey {
			c.Payload = append(c.Payload, rest[:end]...)
		}
		rest = rest[end:]
	}

	if c.Tree.IsZero() || len(rest) == 0 {
		return Commit{}, fmt.Errorf("%w: no tree or no message", ErrCorrupt)
	}
	c.Payload = append(c.Payload, rest...)
	if !signed {
		c.Payload = nil
	}
	c.Message = string(rest[1:])
	c.Trailers = parseTrailers(c.Message)
	return c, nil
}

// headerEnd returns the length of the first header with its continuation lines.
func headerEnd(data []byte) int {
	for at := 0; ; {
		newline := bytes.IndexByte(data[at:], '\n')
		if newline < 0 {
			return len(data)
		}
		at += newline + 1
		if at >= len(data) || data[at] != ' ' {
			return at
		}
	}
}

const signatureKey = "gpgsig"

// SignatureHeader folds a signature into a header: every line after the first
// begins with a space.
func SignatureHeader(armored []byte) string {
	text := strings.TrimRight(string(armored), "\n")
	return signatureKey + " " + strings.ReplaceAll(text, "\n", "\n ") + "\n"
}
