package appbur

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// greatestComponent is how many bytes one name in a path may have: what Linux file
// systems take (NAME_MAX), and the least of all that a checkout meets. Kubernetes
// takes more: role names have no limit of their own, every character outside the
// unreserved ones takes three bytes here, and a kind with its group may have 315.
const greatestComponent = 255

const longestSuffix = len(manifestSuffix)

// digestMark separates the beginning of a name from the digest of the complete text. An
// escape never contains it, so a shortened name is never that of another object.
const digestMark = "~"

// component writes a name as one name in a path: escaped, and if that is too long
// with the suffix, shortened. shown is what people read, exact what tells the name
// from all others.
func component(shown, exact, suffix string) string {
	escaped := escape(shown)
	if len(escaped)+len(suffix) <= greatestComponent {
		return escaped + suffix
	}
	return marked(escaped, exact, suffix)
}

// marked writes as much of an escaped name as there is room for, and the SHA-256 of
// the exact name. Lower-case hexadecimal digits survive file systems that ignore
// case.
func marked(escaped, exact, suffix string) string {
	sum := sha256.Sum256([]byte(exact))
	digest := digestMark + hex.EncodeToString(sum[:])
	return cutEscape(escaped, greatestComponent-len(digest)-len(suffix)) + digest + suffix
}

// cutEscape keeps at most so many bytes of an escaped name, and no half escape.
func cutEscape(escaped string, most int) string {
	if len(escaped) <= most {
		return escaped
	}
	cut := escaped[:most]
	if at := strings.LastIndexByte(cut, '%'); at >= 0 && at > most-3 {
		cut = cut[:at]
	}
	return cut
}

// TypeOfDir returns the type that the name of a directory begins with, without the
// digest that tells it from another.
func TypeOfDir(name string) string {
	shown, _, _ := strings.Cut(name, digestMark)
	return shown
}

// shownName reads the name of a path for people. Of one that was shortened, or that
// differs from another only in case, enough of the digest is left to tell it.
func shownName(name string) (string, error) {
	escaped, digest, shortened := strings.Cut(name, digestMark)
	shown, err := unescape(escaped)
	if err != nil || !shortened {
		return shown, err
	}
	if len(digest) != hex.EncodedLen(sha256.Size) {
		return "", fmt.Errorf("%q is shortened and does not end with a SHA-256", name)
	}
	if len(name) > greatestComponent-longestSuffix-len("%xx") {
		shown = strings.ToValidUTF8(shown, "") + "…"
	}
	return shown + digestMark + digest[:8], nil
}
