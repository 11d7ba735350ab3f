package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync"
)

// SeenFile is beside the keys: whoever can rewrite the repository must not be able
// to rewrite what is remembered of it.
const SeenFile = "seen"

const seenHeader = "# What appbur saw of its repository last (docs/trust.md). A history that does not lead here is refused.\n"

// Seen is the newest commit that appbur saw under a name, for example of main.
type Seen struct {
	Name       string
	Commit     gitsync.Hash
	At         time.Time
	Repository string
}

// parseSeen reads the file: comments, and lines of name, commit, time, repository id.
func parseSeen(data []byte) ([]Seen, error) {
	var list []Seen
	known := map[string]bool{}
	number := 0

	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, " ")
		if len(fields) != 4 || fields[0] == "" || fields[3] == "" {
			return nil, fmt.Errorf("line %d: want a name, a commit, a time and a repository id", number)
		}
		commit, err := gitsync.ParseHash(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		at, err := time.Parse(time.RFC3339, fields[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if known[fields[0]] {
			return nil, fmt.Errorf("line %d: %s is there twice", number, fields[0])
		}
		known[fields[0]] = true
		list = append(list, Seen{Name: fields[0], Commit: commit, At: at, Repository: fields[3]})
	}

	return list, nil
}

func encodeSeen(list []Seen) []byte {
	var b strings.Builder
	b.WriteString(seenHeader)
	for _, s := range list {
		fmt.Fprintf(&b, "%s %s %s %s\n", s.Name, s.Commit, s.At.UTC().Format(time.RFC3339), s.Repository)
	}
	return []byte(b.String())
}

// ReadSeen returns what a key directory remembers, nothing if it has no such file.
func ReadSeen(dir string) ([]Seen, error) {
	data, err := os.ReadFile(filepath.Join(dir, SeenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &Error{fmt.Errorf("what was seen of the repository: %w", err)}
	}
	list, err := parseSeen(data)
	if err != nil {
		// To go on as if nothing had been seen would be what an attacker wants.
		return nil, &Error{appbur.WithHint(fmt.Errorf("%s: %w", filepath.Join(dir, SeenFile), err),
			"look at the history with `git log main`; if it is right, delete the file")}
	}
	return list, nil
}

// LastSeen returns what a key directory remembers under a name.
func LastSeen(dir, name string) (Seen, bool, error) {
	if dir == "" {
		return Seen{}, false, nil // who has no keys remembers nothing
	}
	list, err := ReadSeen(dir)
	for _, s := range list {
		if s.Name == name {
			return s, true, err
		}
	}
	return Seen{}, false, err
}

// WriteSeen puts what a key directory remembers in the place of what it remembered. The directory must
// exist. Of two processes that write at the same time the later one wins, which is at worst an
// older commit of the same history.
func WriteSeen(dir string, list []Seen) error {
	err := durable.Replace(filepath.Join(dir, SeenFile), encodeSeen(list), 0o644)
	if errors.Is(err, syscall.EROFS) {
		err = fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if err != nil {
		return fmt.Errorf("remembering what was seen of the repository: %w", err)
	}
	return nil
}

// ErrReadOnly means that a key directory remembers nothing, because it cannot be written to: it is a mounted Secret.
var ErrReadOnly = errors.New("the key directory is read-only")

// Remembers returns [ErrReadOnly] for a key directory that is.
func Remembers(dir string) error {
	f, err := os.CreateTemp(dir, ".new-*")
	if errors.Is(err, syscall.EROFS) {
		return ErrReadOnly
	}
	if err != nil {
		return nil //nolint:nilerr // whoever writes there says it
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
