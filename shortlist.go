package appbur

import (
	"fmt"
	"strings"
)

// Shortlist writes a list of any length as text for people: the first of it, and how many
// more there are. Whoever needs them all reads the JSON.
func Shortlist(items []string, shown int) string {
	more := len(items) - shown
	if more <= 0 {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:shown], ", "), more)
}
