package appbur

import (
	"fmt"
	"strings"
)

// Shortlist writes a list of any length as text for people: the first of it, and how many
// more there are. Whoever needs them all reads the JSON. What people have to agree to is
// no such list: it is shown in full.
func Shortlist(items []string, shown int) string {
	return ShortlistOf(items, len(items), shown, ", ")
}

// ShortlistOf is [Shortlist] of a list that has total items, of which perhaps not all are
// known by name, and with another separator.
func ShortlistOf(items []string, total, shown int, separator string) string {
	named := items[:min(shown, len(items))]
	text := strings.Join(named, separator)
	if more := total - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return strings.TrimPrefix(text, " and ")
}
