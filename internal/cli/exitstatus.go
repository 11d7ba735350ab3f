package cli

import (
	"strings"
)

// exitStatus is the closing section of every command's help.
func exitStatus(lines ...string) string {
	return "\n\nEXIT STATUS\n  " + strings.Join(lines, "\n  ")
}
