package exporter

import "regexp"

// conversionFailure is how API servers report what a conversion webhook said.
var conversionFailure = regexp.MustCompile(`(conversion webhook for .*? failed: )(?s:.*)`)

// withoutConversion takes out what a conversion webhook said of an object that it
// could not convert. It is somebody's own text about content that nobody has looked
// at yet: it can quote a secret, and reasons are kept in Git in clear.
func withoutConversion(text string) string {
	return conversionFailure.ReplaceAllString(text, "${1}its message is not kept, because it can quote what it was to convert")
}
