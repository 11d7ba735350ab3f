package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/appbur/appbur/pkg/compat"
)

const (
	// maxRefusals is how many objections to one object are reported; more do not help.
	maxRefusals = 20
	// maxShown is how much of a message is shown: it can quote the complete object.
	maxShown = 300
)

// unknownField is what server-side apply says of a field that is not in the schema. (A
// create would drop it without a word.)
const unknownField = "the schema does not know this field, and server-side apply refuses what it does not know"

// refusals returns what the server objects to, sorted by path.
func refusals(unknown []string, found field.ErrorList) []compat.Refusal {
	var reported []compat.Refusal
	for _, path := range unknown {
		reported = append(reported, compat.Refusal{Path: path, What: unknownField})
	}
	for _, err := range found {
		path := err.Field
		if path == "<nil>" {
			path = ""
		}
		reported = append(reported, compat.Refusal{Path: path, What: says(err)})
	}

	slices.SortFunc(reported, func(a, b compat.Refusal) int {
		if d := strings.Compare(a.Path, b.Path); d != 0 {
			return d
		}
		return strings.Compare(a.What, b.What)
	})
	reported = slices.Compact(reported)
	if more := len(reported) - maxRefusals; more > 0 {
		reported = append(reported[:maxRefusals], compat.Refusal{What: fmt.Sprintf("and %d more", more)})
	}
	return reported
}

// says is the message of the server, without maps and lists that it would quote completely.
func says(err *field.Error) string {
	text := err.ErrorBody()
	switch err.BadValue.(type) {
	case map[string]any, []any:
		text = err.Type.String()
		if err.Detail != "" {
			text += ": " + err.Detail
		}
	}
	if len(text) <= maxShown {
		return text
	}

	end := maxShown
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
