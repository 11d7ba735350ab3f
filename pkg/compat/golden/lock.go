package golden

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// LockFormat is the version of the lock file that this package writes, and the only one
// that it reads.
const LockFormat = 1

// ErrLock says that a lock file is not one.
var ErrLock = errors.New("not a lock file of goldens")

// ErrRecorded says that a release was recorded already, with other content.
var ErrRecorded = errors.New("the release is recorded already, with other content")

// Lock lists what was recorded, in the order in which it was. It only ever grows: each
// entry names the one before by its digest, so that none can be taken out.
type Lock struct{ Entries []Entry }

// Entry is one recorded release: one line of the lock file.
type Entry struct {
	Format  int    `json:"format"`
	Release string `json:"release"`
	App     string `json:"app"`
	// Recorded is when, which windows such as "6 months" go by.
	Recorded time.Time `json:"recorded"`
	// Previous is the digest of the line before, zero for the first one.
	Previous *appbur.Digest `json:"previous,omitempty"`
	// Files are the digests of the files of the release, below the directory of the goldens.
	Files map[string]appbur.Digest `json:"files"`
}

// Entry returns the entry of a release.
func (l Lock) Entry(release string) (Entry, bool) {
	i := slices.IndexFunc(l.Entries, func(e Entry) bool { return e.Release == release })
	if i < 0 {
		return Entry{}, false
	}
	return l.Entries[i], true
}

// ParseLock reads a lock file.
func ParseLock(data []byte) (Lock, error) {
	var lock Lock
	var previous *appbur.Digest

	for n, line := range bytes.Split(bytes.TrimSuffix(data, []byte{'\n'}), []byte{'\n'}) {
		if len(data) == 0 {
			break
		}
		entry, err := parseEntry(line)
		if err != nil {
			return Lock{}, fmt.Errorf("%w: line %d: %w", ErrLock, n+1, err)
		}
		if _, twice := lock.Entry(entry.Release); twice {
			return Lock{}, fmt.Errorf("%w: line %d: release %s is there twice", ErrLock, n+1, entry.Release)
		}
		if !same(entry.Previous, previous) {
			return Lock{}, fmt.Errorf("%w: line %d: it does not follow the line before: a line was taken out, edited or moved", ErrLock, n+1)
		}
		digest := appbur.DigestOf(line)
		previous = &digest
		lock.Entries = append(lock.Entries, entry)
	}

	return lock, nil
}

func same(a, b *appbur.Digest) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func parseEntry(line []byte) (Entry, error) {
	var e Entry
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return e, fmt.Errorf("it is no entry in JSON (%s)", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return e, errors.New("something follows the entry")
	}

	switch {
	case e.Format != LockFormat:
		return e, fmt.Errorf("its format is %d, this release knows %d", e.Format, LockFormat)
	case !IsRelease(e.Release):
		return e, fmt.Errorf("%q is no name of a release", e.Release)
	case len(e.Files) == 0:
		return e, errors.New("it has no files")
	}
	for path := range e.Files {
		dir, file, _ := strings.Cut(path, "/")
		if dir != e.Release || !isFile(file) {
			return e, fmt.Errorf("the file %q is none of release %s", path, e.Release)
		}
	}
	return e, nil
}

// IsRelease reports whether a version of an application can be the name of a directory.
func IsRelease(version string) bool {
	return version != "" && len(version) <= 128 && !strings.HasPrefix(version, ".") && strings.IndexFunc(version, notPlain) < 0
}

func isFile(name string) bool {
	return name != "" && len(name) <= 250 && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\\x00")
}

func notPlain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.+~", r)
}

// Append returns the lock file with one more release. The same release with the same files
// changes nothing; with other files it fails with [ErrRecorded].
func (l Lock) Append(file []byte, entry Entry) ([]byte, error) {
	if known, ok := l.Entry(entry.Release); ok {
		if !maps.Equal(known.Files, entry.Files) {
			return nil, fmt.Errorf("%w: %s", ErrRecorded, differing(known.Files, entry.Files))
		}
		return file, nil
	}

	entry.Format = LockFormat
	entry.Previous = nil
	if len(l.Entries) > 0 {
		lines := bytes.Split(bytes.TrimSuffix(file, []byte{'\n'}), []byte{'\n'})
		digest := appbur.DigestOf(lines[len(lines)-1])
		entry.Previous = &digest
	}
	line, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	if _, err := parseEntry(line); err != nil {
		return nil, err
	}
	if len(file) > 0 && !bytes.HasSuffix(file, []byte{'\n'}) {
		file = append(slices.Clone(file), '\n')
	}
	return slices.Concat(file, line, []byte{'\n'}), nil
}

// differing names the files that two recordings have otherwise.
func differing(a, b map[string]appbur.Digest) string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	return appbur.Shortlist(names, 3)
}

// Check compares the files that are there with those that were recorded. found has the
// digest of every file in the directories of releases.
func (l Lock) Check(found map[string]appbur.Digest, supported func(release string) bool) (findings []Finding, notes []string) {
	known := map[string]bool{}

	for _, e := range l.Entries {
		for _, path := range slices.Sorted(maps.Keys(e.Files)) {
			known[path] = true
			digest, there := found[path]
			switch {
			case there && digest == e.Files[path]:
			case !supported(e.Release):
				notes = append(notes, fmt.Sprintf("%s is no longer what was recorded; release %s is outside the support window", path, e.Release))
			case there:
				findings = append(findings, Finding{
					Gate: Locked, Release: e.Release, File: path,
					What: fmt.Sprintf("it was edited: its digest is %s, recorded was %s", digest.Short(), e.Files[path].Short()),
					Hint: "take the recorded file back from version control; state that customers have is not changed by an edit",
				})
			default:
				findings = append(findings, Finding{
					Gate: Locked, Release: e.Release, File: path, What: "it was dropped, and its release is supported",
					Hint: "take the file back from version control, or end the support of the release in the support window",
				})
			}
		}
	}

	for _, path := range slices.Sorted(maps.Keys(found)) {
		if known[path] {
			continue
		}
		release, _, _ := strings.Cut(path, "/")
		findings = append(findings, Finding{
			Gate: Locked, Release: release, File: path, What: "it is not in the lock file",
			Hint: "record goldens from a running release, or take the file away",
		})
	}
	return findings, notes
}
