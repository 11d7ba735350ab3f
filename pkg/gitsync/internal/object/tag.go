package object

import (
	"fmt"
	"strings"
	"time"
)

// TagRefs begins the full names of tags.
const TagRefs = "refs/tags/"

// Tag is a tag as it is stored.
type Tag struct {
	// Name is the short name, without "refs/tags/".
	Name string
	// Object is the tag object, empty for a lightweight tag, which has nothing
	// but a name and a commit.
	Object Hash
	// Commit is what the tag points at.
	Commit  Hash
	Message string
	Tagger  Person
	Time    time.Time
	// Payload is what was signed and Signature the armored signature, nil if
	// there is none.
	Payload   []byte
	Signature []byte
	// Damage is why the tag cannot be read, nil if it can. Then only Name and Object
	// are set, the latter to whatever the ref names, "" if it names nothing.
	Damage error
}

// SignatureBegins are the first lines of the signatures that git recognises at
// the end of a tag.
var SignatureBegins = []string{
	"-----BEGIN SSH SIGNATURE-----",
	"-----BEGIN PGP SIGNATURE-----",
	"-----BEGIN PGP MESSAGE-----",
	"-----BEGIN SIGNED MESSAGE-----",
}

// ParseTag reads the bytes of an annotated tag of a commit.
func ParseTag(data []byte) (Tag, error) {
	var t Tag
	var err error
	header, body, found := strings.Cut(string(data), "\n\n")
	if !found {
		return Tag{}, fmt.Errorf("%w: tag without a message", ErrCorrupt)
	}

	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "object":
			t.Commit, err = ParseHash(value)
		case "type":
			if value != "commit" {
				err = fmt.Errorf("tag of a %s", value)
			}
		case "tagger":
			t.Tagger, t.Time, err = ParseIdentity(value)
		}
		if err != nil {
			return Tag{}, fmt.Errorf("%w: header %s: %w", ErrCorrupt, key, err)
		}
	}

	if t.Commit.IsZero() {
		return Tag{}, fmt.Errorf("%w: tag without an object", ErrCorrupt)
	}
	t.Message = body
	if at := signatureStart(body); at >= 0 {
		t.Message = body[:at]
		t.Signature = []byte(body[at:])
		t.Payload = data[:len(data)-len(t.Signature)]
	}
	return t, nil
}

// signatureStart returns where the last signature begins, -1 if there is none.
func signatureStart(body string) int {
	start := -1
	for _, begin := range SignatureBegins {
		if strings.HasPrefix(body, begin) {
			start = max(start, 0)
		}
		if at := strings.LastIndex(body, "\n"+begin); at >= 0 {
			start = max(start, at+1)
		}
	}
	return start
}
