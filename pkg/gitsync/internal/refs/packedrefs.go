package refs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

const (
	packedRefsFile = "packed-refs"
	// newPacked is the complete new content before it is put in place.
	newPacked = "appbur.packed-refs.new"
)

// packed reads the file that `git pack-refs` writes.
func (s *Store) packed() (map[string]object.Hash, error) {
	data, err := s.readPacked()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read packed refs: %w", err)
	}
	return parsePackedRefs(data, s.Limits)
}

// readPacked reads the bytes of packed-refs, if they are not too many.
func (s *Store) readPacked() ([]byte, error) {
	path := filepath.Join(s.Dir, packedRefsFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := s.Limits.CheckPackedRefs(info.Size()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func parsePackedRefs(data []byte, limits object.Limits) (map[string]object.Hash, error) {
	refs := map[string]object.Hash{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := lines.Text()
		// "#" starts the header; "^" the commit of the tag one line above.
		if line == "" || line[0] == '#' || line[0] == '^' {
			continue
		}
		text, name, _ := strings.Cut(line, " ")
		hash, err := object.ParseHash(text)
		if err != nil || name == "" {
			return nil, fmt.Errorf("%w: packed-refs: %q", object.ErrCorrupt, line)
		}
		refs[name] = hash
		if err := limits.CheckRefs(len(refs)); err != nil {
			return nil, fmt.Errorf("packed-refs: %w", err)
		}
	}

	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: packed-refs: %w", object.ErrCorrupt, err)
	}
	return refs, nil
}

// WritePacked writes all refs of a new repository in one file, as `git pack-refs` does.
func (s *Store) WritePacked(refs map[string]object.Hash) error {
	err := durable.Restage(filepath.Join(s.Dir, packedRefsFile), 0o644, func(w io.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(refs)) {
			if _, err := fmt.Fprintf(w, "%s %s\n", refs[name], name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write refs: %w", err)
	}
	return durable.SyncDir(s.Dir)
}
