package fleetcopies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/appbur/appbur/internal/durable"
)

const (
	partsSuffix = ".parts.json"
	// mostParts bounds how many parts of one remote are remembered; those that were seen last stay.
	mostParts = 100_000
)

// Gone is a part that a remote had, and when that was seen last.
type Gone struct {
	Part string
	Seen time.Time
}

// Gone remembers the parts that a remote has, by name, and returns those that it had and has not any more, except those that
// are known to be.
func (c *Copies) Gone(ctx context.Context, url string, parts []string, known func(part string) bool) (gone []Gone, err error) {
	place := c.place(url) + partsSuffix
	held, err := lock(ctx, place)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	before, err := readParts(place)
	if err != nil {
		return nil, err
	}

	seen := maps.Clone(before)
	for _, part := range parts {
		seen[part] = c.now().UTC().Truncate(time.Second)
	}
	for _, part := range slices.Sorted(maps.Keys(before)) {
		switch {
		case slices.Contains(parts, part):
		case known(part):
			delete(seen, part)
		default:
			gone = append(gone, Gone{part, before[part]})
		}
	}
	return gone, writeParts(place, seen)
}

// readParts reads which parts were seen when. What is damaged is as good as nothing, as with copies.
func readParts(place string) (map[string]time.Time, error) {
	data, err := os.ReadFile(place)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading which clusters a remote had: %w", err)
	}
	var seen map[string]time.Time
	if json.Unmarshal(data, &seen) != nil || seen == nil {
		seen = map[string]time.Time{}
	}
	return seen, nil
}

func writeParts(place string, seen map[string]time.Time) error {
	if len(seen) > mostParts {
		oldest := slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return seen[a].Compare(seen[b]) })
		for _, part := range oldest[:len(seen)-mostParts] {
			delete(seen, part)
		}
	}
	data, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	if err := durable.Replace(place, data, 0o600); err != nil {
		return fmt.Errorf("noting which clusters a remote has: %w", err)
	}
	return nil
}
