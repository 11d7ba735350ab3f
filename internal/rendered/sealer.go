package rendered

import (
	"bytes"
	"slices"

	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/seal"
)

// Sealer makes SOPS files that stay as they are while their objects do.
type Sealer struct {
	Sealer *seal.Sealer
	Opener *seal.Opener
	// Recipients are those that Sealer encrypts to.
	Recipients []string
	// Earlier are the places where a file of the object may be already: in the restore point, and
	// in the directory.
	Earlier func(path string, o restore.PlainObject) [][]byte
}

// Seal implements the function type [Seal].
func (s Sealer) Seal(path string, o restore.PlainObject, plain []byte) ([]byte, error) {
	for _, earlier := range s.Earlier(path, o) {
		if s.keeps(earlier, o, plain) {
			return earlier, nil
		}
	}
	return s.Sealer.SealManifestPaths(plain, nil, o.Secrets)
}

// keeps reports whether a file opens to the same object, hides all that is secret, and is for the
// same recipients.
func (s Sealer) keeps(sealed []byte, o restore.PlainObject, plain []byte) bool {
	if !seal.IsSealed(sealed) {
		return false
	}
	read, err := s.Opener.ReadManifest(sealed)
	if err != nil || !slices.Equal(slices.Sorted(slices.Values(read.Recipients)), slices.Sorted(slices.Values(s.Recipients))) {
		return false
	}
	content, err := manifest.Encode(read.Content)
	if err != nil || !bytes.Equal(content, plain) {
		return false
	}
	return !slices.ContainsFunc(o.Secrets, func(path []string) bool {
		return o.Holds(path) && !slices.ContainsFunc(read.Secrets, func(hidden []string) bool {
			return len(hidden) <= len(path) && slices.Equal(hidden, path[:len(hidden)])
		})
	})
}
