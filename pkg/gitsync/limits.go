package gitsync

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

// limits bound what a repository may make a reader hold. Whoever can push decides what
// objects claim to be: a megabyte can be the compressed form of a gigabyte, and six
// small trees can lead to a million files. Each limit is held against what is claimed,
// before room is made for it. They are generous: nothing that appbur writes comes near.
// The owner of a copy may set others in its Git configuration, which no push changes.
type limits struct {
	object      int64  // bytes of one object, and of the deltas that it is stored as
	objectFrom  string // the setting that object is of
	structure   int64  // the same for trees, commits and tags, which cost more to decode
	description int64  // bytes of a file that is read whole before anybody is trusted
	total       int64  // bytes of all files that are read together
	files       int64  // and directories below one directory, however few trees lead to them
	depth       int64  // of a chain of deltas
	refs        int64
}

// limitSettings are the limits, as the section appbur of a configuration names them.
var limitSettings = []struct {
	name     string
	standard int64
	of       func(*limits) *int64
}{
	// Payloads are saved in pieces of some megabytes; a Kubernetes object has 3 at most.
	{maxObjectSize, 256 << 20, func(l *limits) *int64 { return &l.object }},
	// A directory of half a million manifests.
	{maxTreeSize, 64 << 20, func(l *limits) *int64 { return &l.structure }},
	// Some hundred bytes for each application, and forty for each piece of a payload.
	{maxDescriptionSize, 64 << 20, func(l *limits) *int64 { return &l.description }},
	// Manifests are held in memory by a plan; payloads are not and do not count.
	{maxTotalSize, 2 << 30, func(l *limits) *int64 { return &l.total }},
	{maxFiles, 1_000_000, func(l *limits) *int64 { return &l.files }},
	// git refuses to write more than 4095.
	{maxDeltaDepth, 4096, func(l *limits) *int64 { return &l.depth }},
	{maxRefs, 200_000, func(l *limits) *int64 { return &l.refs }},
}

// Names of the settings.
const (
	maxObjectSize      = "maxObjectSize"
	maxTreeSize        = "maxTreeSize"
	maxDescriptionSize = "maxDescriptionSize"
	maxTotalSize       = "maxTotalSize"
	maxFiles           = "maxFiles"
	maxDeltaDepth      = "maxDeltaDepth"
	maxRefs            = "maxRefs"
)

var defaultLimits = func() (l limits) {
	l.objectFrom = maxObjectSize
	for _, s := range limitSettings {
		*s.of(&l) = s.standard
	}
	return l
}()

// readLimits takes the limits that a configuration sets.
func readLimits(cfg *config.Config) (limits, error) {
	l := defaultLimits
	for _, s := range limitSettings {
		text := cfg.Section("appbur").Option(s.name)
		if text == "" {
			continue
		}

		n, ok := parseLimit(text)
		if !ok {
			return limits{}, appbur.WithHint(fmt.Errorf("config appbur.%s = %s is no limit", s.name, text),
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

// tooLarge says which limit was met.
func tooLarge(what string, limit int64, setting string) error {
	return appbur.WithHint(fmt.Errorf("%w: more than %d %s", ErrTooLarge, limit, what),
		"appbur writes nothing that large; if it is meant, allow it in this copy: git config appbur."+setting+" NUMBER")
}

func (l limits) checkObject(kind plumbing.ObjectType, size int64) error {
	if size > l.object {
		return tooLarge("bytes in one object", l.object, l.objectFrom)
	}
	switch kind {
	case plumbing.TreeObject, plumbing.CommitObject, plumbing.TagObject:
		if size > l.structure {
			return tooLarge("bytes in one "+kind.String(), l.structure, maxTreeSize)
		}
	}
	return nil
}

// checkDelta looks at the size of what a delta makes, before it is made.
func (l limits) checkDelta(kind plumbing.ObjectType, delta []byte) error {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return nil // the one who applies it says what is wrong
	}
	size, n := binary.Uvarint(delta[n:])
	if n <= 0 {
		return nil
	}
	return l.checkObject(kind, int64(min(size, math.MaxInt64)))
}

func (l limits) checkDepth(depth int) error {
	if int64(depth) > l.depth {
		return tooLarge("deltas in one chain", l.depth, maxDeltaDepth)
	}
	return nil
}

func (l limits) checkRefs(n int) error {
	if int64(n) > l.refs {
		return tooLarge("refs", l.refs, maxRefs)
	}
	return nil
}

// refLine is how many bytes of packed-refs a ref takes at most, on average.
const refLine = 512

// checkPackedRefs looks at the size of packed-refs before it is read.
func (l limits) checkPackedRefs(size int64) error {
	if size/refLine > l.refs {
		return l.checkRefs(int(min(size/refLine, math.MaxInt)))
	}
	return nil
}

func (l limits) checkTotal(bytes int64) error {
	if bytes > l.total {
		return tooLarge("bytes in all files together", l.total, maxTotalSize)
	}
	return nil
}

// describing are the limits under which a description is read.
func (l limits) describing() limits {
	if l.description < l.object {
		l.object, l.objectFrom = l.description, maxDescriptionSize
	}
	return l
}

// expansion counts what trees lead to while they are walked: the same small tree may
// stand in many places, and a long name is repeated in every path below it.
type expansion struct {
	limits    limits
	entries   int64
	pathBytes int64
}

// pathLength is how long paths may be on average.
const pathLength = 256

// add counts a file or directory before its place is remembered.
func (x *expansion) add(path string) error {
	x.entries++
	x.pathBytes += int64(len(path))
	if x.entries > x.limits.files || x.pathBytes/pathLength > x.limits.files {
		return tooLarge("files and directories below one", x.limits.files, maxFiles)
	}
	return nil
}
