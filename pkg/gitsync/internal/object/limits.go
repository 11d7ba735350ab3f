package object

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/appbur/appbur"
)

// Limits bound what a repository may make a reader hold. Whoever can push decides what
// objects claim to be: a megabyte can be the compressed form of a gigabyte, and six
// small trees can lead to a million files. Each limit is held against what is claimed,
// before room is made for it. They are generous: nothing that appbur writes comes near.
// The owner of a copy may set others in its Git configuration, which no push changes.
type Limits struct {
	Object      int64  // bytes of one object, and of the deltas that it is stored as
	objectFrom  string // the setting that object is of
	Structure   int64  // the same for trees, commits and tags, which cost more to decode
	Description int64  // bytes of a file that is read at once before any signature is trusted
	Total       int64  // bytes of all files that are read together
	Files       int64  // and directories below one directory, however few trees lead to them
	Depth       int64  // of a chain of deltas
	Refs        int64
}

// limitSettings are the limits, as the section appbur of a configuration names them.
var limitSettings = []struct {
	name     string
	standard int64
	of       func(*Limits) *int64
}{
	// Payloads are saved in pieces of some megabytes; a Kubernetes object has 3 at most.
	{MaxObjectSize, 256 << 20, func(l *Limits) *int64 { return &l.Object }},
	// A directory of half a million manifests.
	{maxTreeSize, 64 << 20, func(l *Limits) *int64 { return &l.Structure }},
	// Some hundred bytes for each application, and forty for each piece of a payload.
	{maxDescriptionSize, 64 << 20, func(l *Limits) *int64 { return &l.Description }},
	// Manifests are held in memory by a plan; payloads are not and do not count.
	{maxTotalSize, 2 << 30, func(l *Limits) *int64 { return &l.Total }},
	{maxFiles, 1_000_000, func(l *Limits) *int64 { return &l.Files }},
	// git refuses to write more than 4095.
	{maxDeltaDepth, 4096, func(l *Limits) *int64 { return &l.Depth }},
	{maxRefs, 200_000, func(l *Limits) *int64 { return &l.Refs }},
}

// Names of the settings.
const (
	MaxObjectSize      = "maxObjectSize"
	maxTreeSize        = "maxTreeSize"
	maxDescriptionSize = "maxDescriptionSize"
	maxTotalSize       = "maxTotalSize"
	maxFiles           = "maxFiles"
	maxDeltaDepth      = "maxDeltaDepth"
	maxRefs            = "maxRefs"
)

// DefaultLimits are the limits where the configuration sets no others.
var DefaultLimits = func() (l Limits) {
	l.objectFrom = MaxObjectSize
	for _, s := range limitSettings {
		*s.of(&l) = s.standard
	}
	return l
}()

// ReadLimits takes the limits that a configuration sets.
func ReadLimits(cfg *config.Config) (Limits, error) {
	l := DefaultLimits
	for _, s := range limitSettings {
		text := cfg.Section("appbur").Option(s.name)
		if text == "" {
			continue
		}

		n, ok := parseLimit(text)
		if !ok {
			return Limits{}, appbur.WithHint(fmt.Errorf("config appbur.%s = %s is no limit", s.name, text),
				"a whole number, at least 1; k, m and g stand for 1024, its square and its cube")
		}
		*s.of(&l) = n
	}
	return l, nil
}

// parseLimit reads a number as git writes them.
func parseLimit(text string) (int64, bool) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if number, found := strings.CutSuffix(strings.ToLower(text), suffix); found {
			text, unit = number, n
		}
	}

	n, err := strconv.ParseInt(text, 10, 64)
	// Sizes are added up, so the greatest limit leaves room for that.
	if err != nil || n < 1 || n > math.MaxInt64/4/unit {
		return 0, false
	}
	return n * unit, true
}

// TooLarge says which limit was met.
func TooLarge(what string, limit int64, setting string) error {
	return appbur.WithHint(fmt.Errorf("%w: more than %d %s", ErrTooLarge, limit, what),
		"appbur writes nothing that large; if it is meant, allow it in this copy: git config appbur."+setting+" NUMBER")
}

// CheckObject refuses an object of a size before it is read.
func (l Limits) CheckObject(kind plumbing.ObjectType, size int64) error {
	if size > l.Object {
		return TooLarge("bytes in one object", l.Object, l.objectFrom)
	}
	switch kind {
	case plumbing.TreeObject, plumbing.CommitObject, plumbing.TagObject:
		if size > l.Structure {
			return TooLarge("bytes in one "+kind.String(), l.Structure, maxTreeSize)
		}
	}
	return nil
}

// CheckDelta looks at the size of what a delta makes, before it is made.
func (l Limits) CheckDelta(kind plumbing.ObjectType, delta []byte) error {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return nil // the one who applies it says what is wrong
	}
	size, n := binary.Uvarint(delta[n:])
	if n <= 0 {
		return nil
	}
	return l.CheckObject(kind, int64(min(size, math.MaxInt64)))
}

// CheckDepth refuses a chain of deltas that is too long.
func (l Limits) CheckDepth(depth int) error {
	if int64(depth) > l.Depth {
		return TooLarge("deltas in one chain", l.Depth, maxDeltaDepth)
	}
	return nil
}

// CheckRefs refuses too many refs.
func (l Limits) CheckRefs(n int) error {
	if int64(n) > l.Refs {
		return TooLarge("refs", l.Refs, maxRefs)
	}
	return nil
}

// refLine is how many bytes of packed-refs a ref takes at most, on average.
const refLine = 512

// CheckPackedRefs looks at the size of packed-refs before it is read.
func (l Limits) CheckPackedRefs(size int64) error {
	if size/refLine > l.Refs {
		return l.CheckRefs(int(min(size/refLine, math.MaxInt)))
	}
	return nil
}

// CheckTotal refuses to read too many bytes together.
func (l Limits) CheckTotal(bytes int64) error {
	if bytes > l.Total {
		return TooLarge("bytes in all files together", l.Total, maxTotalSize)
	}
	return nil
}

// Describing are the limits under which a description is read.
func (l Limits) Describing() Limits {
	if l.Description < l.Object {
		l.Object, l.objectFrom = l.Description, maxDescriptionSize
	}
	return l
}

// Expansion counts what trees lead to while they are walked: the same small tree may
// be in many places, and a long name is repeated in every path below it.
type Expansion struct {
	Limits    Limits
	entries   int64
	pathBytes int64
}

// pathLength is how long paths may be on average.
const pathLength = 256

// Add counts a file or directory before its place is remembered.
func (x *Expansion) Add(path string) error {
	x.entries++
	x.pathBytes += int64(len(path))
	if x.entries > x.Limits.Files || x.pathBytes/pathLength > x.Limits.Files {
		return TooLarge("files and directories below one", x.Limits.Files, maxFiles)
	}
	return nil
}
