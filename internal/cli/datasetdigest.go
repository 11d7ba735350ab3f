package cli

import (
	"github.com/appbur/appbur"
)

// digestText is the digest of a dataset in the given form, or that it is sealed: what
// is printed may be kept beside the backup, and something short can be guessed by it.
func digestText(d appbur.Dataset, digest string) string {
	if d.Sensitive {
		return "digest sealed"
	}
	return digest
}
