package appbur

import "errors"

// HintError is an error that knows the next step. The message of the error is
// that of Err; the hint is shown on a line of its own.
type HintError struct {
	Err  error
	Hint string
}

// WithHint adds a next step to err: one sentence or command that a person can
// act on. It returns nil for a nil err. Of several hints along a chain the
// outermost wins, since it knows most of what the user was doing.
func WithHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &HintError{Err: err, Hint: hint}
}

// Error returns the message without the hint.
func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error that the hint was added to.
func (e *HintError) Unwrap() error { return e.Err }

// HintOf returns the outermost hint in the chain of err, or "".
func HintOf(err error) string {
	var hinted *HintError
	if errors.As(err, &hinted) {
		return hinted.Hint
	}
	return ""
}
