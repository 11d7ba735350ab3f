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
	// maxRefusals is how many objections to one object are told; more help nobody.
	maxRefusals = 20
	// maxShown is how much of a message is told: it can quote the whole object.
	maxShown = 300
)

// unknownField is what server-side apply says of a field that the schema lacks. (A
// create would drop it without a word.)
const unknownField = "the schema does not know this field, and server-side apply refuses what it does not know"

// refusals tells what the server objects to, sorted by path.
func refusals(unknown []string, found field.ErrorList) []compat.Refusal {
	var told []compat.Refusal
	for _, path := range unknown {
		told = append(told, compat.Refusal{Path: path, What: unknownField})
	}
	for _, err := range found {
		path := err.Field
		if path == "<nil>" {
			path = ""
		}
		told = append(told, compat.Refusal{Path: path, What: says(err)})
	}

	slices.SortFunc(told, func(a, b compat.Refusal) int {
		if d := strings.Compare(a.Path, b.Path); d != 0 {
			return d
		}
		return strings.Compare(a.What, b.What)
	})
	told = slices.Compact(told)
	if more := len(told) - maxRefusals; more > 0 {
		told = append(told[:maxRefusals], compat.Refusal{What: fmt.Sprintf("and %d more", more)})
	}
	return told
}

// says is the message of the server, without maps and lists that it would quote whole.
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
