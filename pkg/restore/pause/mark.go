package pause

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/appbur/appbur/pkg/restore"
)

// mark is what the annotation of a paused object holds: all that is needed to release it, in any
// cluster and without the rule.
type mark struct {
	Controller string `json:"controller"`
	Stage      int    `json:"stage"`
	Await      string `json:"await,omitempty"`
	Fields     []kept `json:"fields"`
}

// kept is a field that a pause has changed.
type kept struct {
	Path []string `json:"path"`
	// Paused is the value that pauses, nil if the field was removed; Was the one before, nil if
	// there was none.
	Paused any `json:"paused,omitempty"`
	Was    any `json:"was,omitempty"`
}

// encode writes the mark in one form: equal marks have equal texts.
func (m mark) encode() (string, error) {
	data, err := json.Marshal(m)
	if err == nil && len(data) > mostMark {
		err = fmt.Errorf("what has to be remembered is too long for an annotation: %d bytes", len(data))
	}
	return string(data), err
}

// mostMark is how long a mark can be; the server takes annotations of 256 KiB.
const mostMark = 128 << 10

// parseMark reads a mark that anybody may have written.
func parseMark(text string) (mark, error) {
	if len(text) > mostMark {
		return mark{}, errors.New("it is too long")
	}
	var m mark
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(&m); err != nil || decoder.More() {
		return mark{}, errors.New("it is not in the form that a restore writes")
	}

	if len(m.Fields) == 0 || m.Controller == "" {
		return mark{}, errors.New("it lacks the controller or the fields that were changed")
	}
	for i, f := range m.Fields {
		if err := checkPath(f.Path); err != nil {
			return mark{}, err
		}
		m.Fields[i].Paused, m.Fields[i].Was = numbers(f.Paused), numbers(f.Was)
	}
	return m, nil
}

// numbers gives numbers the types that they have in a manifest.
func numbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = numbers(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = numbers(inner)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if n, err := v.Float64(); err == nil {
			return n
		}
	}
	return value
}

// markOf returns the mark of an object, and whether it is marked at all.
func markOf(content map[string]any) (m mark, marked bool, err error) {
	text, hasText := lookup(content, []string{"metadata", "annotations", restore.PausedKey}).(string)
	if !hasText {
		if lookup(content, []string{"metadata", "labels", restore.PausedKey}) == nil {
			return mark{}, false, nil
		}
		return mark{}, true, fmt.Errorf("its annotation %s is missing: what it was before is not known", restore.PausedKey)
	}
	if m, err = parseMark(text); err != nil {
		return mark{}, true, fmt.Errorf("its annotation %s cannot be used: %w", restore.PausedKey, err)
	}
	return m, true, nil
}

// unmarked returns an object as it was before it was paused. Fields that somebody has changed since
// stay as they are.
func unmarked(content map[string]any, m mark) map[string]any {
	for _, f := range m.Fields {
		if same(lookup(content, f.Path), f.Paused) {
			content = put(content, f.Path, f.Was)
		}
	}
	for _, inside := range []string{"labels", "annotations"} {
		content = put(content, []string{"metadata", inside, restore.PausedKey}, nil)
		if left, ok := lookup(content, []string{"metadata", inside}).(map[string]any); ok && len(left) == 0 {
			content = put(content, []string{"metadata", inside}, nil)
		}
	}
	return content
}
