package rendered

import (
	"encoding/json"
	"fmt"

	"github.com/appbur/appbur"
)

// ListingFile is the file that says what was rendered into a directory.
const ListingFile = ".appbur-rendered.json"

const listingFormat = 1

// listing are the files that a directory holds, by their paths.
type listing struct {
	Format int                      `json:"format"`
	Files  map[string]appbur.Digest `json:"files"`
	// Pending are the files of a rendering that has not come to its end: both may be there.
	Pending map[string]appbur.Digest `json:"pending,omitempty"`
}

func parseListing(data []byte) (listing, error) {
	var l listing
	if err := json.Unmarshal(data, &l); err != nil {
		return listing{}, fmt.Errorf("reading %s: %w", ListingFile, err)
	}
	if l.Format != listingFormat {
		return listing{}, appbur.WithHint(fmt.Errorf("%s has format %d, and this release reads %d", ListingFile, l.Format, listingFormat),
			"use the release that rendered it, or another directory")
	}
	return l, nil
}

func (l listing) encode() ([]byte, error) {
	data, err := json.MarshalIndent(l, "", "  ")
	return append(data, '\n'), err
}

// has reports whether a file with these bytes was rendered to the path.
func (l listing) has(path string, digest appbur.Digest) bool {
	return l.Files[path] == digest && !digest.IsZero() || l.Pending[path] == digest && !digest.IsZero()
}

// names reports whether anything was rendered to the path.
func (l listing) names(path string) bool {
	_, present := l.Files[path]
	_, pending := l.Pending[path]
	return present || pending
}

func listed(files []File) map[string]appbur.Digest {
	digests := make(map[string]appbur.Digest, len(files))
	for _, file := range files {
		digests[file.Path] = appbur.DigestOf(file.Data)
	}
	return digests
}
