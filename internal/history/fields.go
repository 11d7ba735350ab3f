package history

import (
	"reflect"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// How a field changed, in addition to [Added], [Changed] and [Removed].
const (
	// Reordered means that a list has the same elements in another order.
	Reordered What = "reordered"
	// Resealed means that a value was encrypted again and has the same length. All
	// values of a file are encrypted again when any part of the file changes, so the
	// value may be another one or not.
	Resealed What = "resealed"
)

// FieldChange is a field that differs between two versions of an object.
type FieldChange struct {
	// Path leads to the field: keys joined by dots, list elements by their name
	// where they have one: spec.containers[name=web].image.
	Path string `json:"path"`
	What What   `json:"what"`
	// From and To are the values; absent for what was not there, and for encrypted
	// values.
	From any `json:"from,omitempty"`
	To   any `json:"to,omitempty"`
	// Encrypted says that the value is encrypted, before or after.
	Encrypted bool `json:"encrypted,omitempty"`
}

// Fields returns the difference of two versions of a YAML file by its fields, sorted by
// path. Encrypted values are not decrypted and not shown. A file that is not one YAML
// map differs in all its keys; its path is empty.
func Fields(before, after []byte) []FieldChange {
	from, errFrom := manifest.Decode(before)
	to, errTo := manifest.Decode(after)
	if errFrom != nil || errTo != nil {
		if string(before) == string(after) {
			return nil
		}
		return []FieldChange{{What: Changed}}
	}
	if seal.IsSealed(before) {
		delete(from, appbur.SealedKey)
	}
	if seal.IsSealed(after) {
		delete(to, appbur.SealedKey)
	}
	c := fieldComparison{sealed: seal.IsSealed(before) || seal.IsSealed(after)}
	c.maps("", from, to)
	slices.SortStableFunc(c.changes, func(a, b FieldChange) int { return strings.Compare(a.Path, b.Path) })
	return c.changes
}

type fieldComparison struct {
	sealed  bool
	changes []FieldChange
}

func (c *fieldComparison) maps(path string, from, to map[string]any) {
	for key, old := range from {
		below := joinKey(path, key)
		if current, still := to[key]; still {
			c.values(below, old, current)
		} else {
			c.removed(below, old)
		}
	}
	for key, current := range to {
		if _, was := from[key]; !was {
			c.added(joinKey(path, key), current)
		}
	}
}

func (c *fieldComparison) values(path string, from, to any) {
	if reflect.DeepEqual(from, to) {
		return
	}

	switch from := from.(type) {
	case map[string]any:
		if to, ok := to.(map[string]any); ok {
			c.maps(path, from, to)
			return
		}
	case []any:
		if to, ok := to.([]any); ok {
			c.lists(path, from, to)
			return
		}
	}

	if c.hides(from) || c.hides(to) {
		c.encryptedValues(path, from, to)
		return
	}
	c.changes = append(c.changes, FieldChange{Path: path, What: Changed, From: from, To: to})
}

// encryptedValues returns what can be known of values without decrypting them.
func (c *fieldComparison) encryptedValues(path string, from, to any) {
	change := FieldChange{Path: path, What: Changed, Encrypted: true}
	lengthFrom, kindFrom, okFrom := isCiphertext(from)
	lengthTo, kindTo, okTo := isCiphertext(to)
	if okFrom && okTo && lengthFrom == lengthTo && kindFrom == kindTo {
		change.What = Resealed
	}
	c.changes = append(c.changes, change)
}

// hides reports whether a value, or something in it, is encrypted.
func (c *fieldComparison) hides(value any) bool {
	if !c.sealed {
		return false
	}
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			if c.hides(v) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, c.hides)
	case string:
		return ciphertext.MatchString(value)
	}
	return false
}

func (c *fieldComparison) added(path string, value any) {
	change := FieldChange{Path: path, What: Added, To: value}
	if c.hides(value) {
		change.To, change.Encrypted = nil, true
	}
	c.changes = append(c.changes, change)
}

func (c *fieldComparison) removed(path string, value any) {
	change := FieldChange{Path: path, What: Removed, From: value}
	if c.hides(value) {
		change.From, change.Encrypted = nil, true
	}
	c.changes = append(c.changes, change)
}

var keyEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// joinKey appends a key to a path. Keys that could be taken for more than one are
// quoted.
func joinKey(path, key string) string {
	if key == "" || strings.ContainsAny(key, `./[]"\ `) {
		return path + `["` + keyEscapes.Replace(key) + `"]`
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
