package exporter

import "regexp"

// conversionFailure is how API servers report what a conversion webhook said.
var conversionFailure = regexp.MustCompile(`(conversion webhook for .*? failed: )(?s:.*)`)

// withoutConversion takes out what a conversion webhook said of an object that it
// could not convert. It is free text of the webhook about content that was not inspected
// at yet: it can quote a secret, and reasons are kept in Git in clear.
func withoutConversion(text string) string {
	return conversionFailure.ReplaceAllString(text, "${1}its message is not kept, because it can quote what it was to convert")
}

// WithoutConversion is an error of an API server without what a conversion webhook
// said, for people and logs. The kind of the error can still be tested.
func WithoutConversion(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if kept := withoutConversion(text); kept != text {
		return &conversionError{kept, err}
	}
	return err
}

type conversionError struct {
	text string
	err  error
}

// Error implements error.
func (e *conversionError) Error() string { return e.text }

// Unwrap returns the error as the API server gave it.
func (e *conversionError) Unwrap() error { return e.err }
