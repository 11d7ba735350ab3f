package appbur

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// PanicError is a panic in the work on one object: a mistake in appbur that the
// shape of the object brought to light.
type PanicError struct {
	// Value is what the work panicked with, Where the place in the code.
	Value any
	Where string
}

// Error returns what happened and where, in one line.
func (e *PanicError) Error() string { return fmt.Sprintf("internal error at %s: %v", e.Where, e.Value) }

// panicHint says what to do about a mistake that is not the user's.
const panicHint = "this is a mistake in appbur, all other objects go on: please report this line and the shape of the object"

// Guard runs the work on one object and turns a panic in it into a [PanicError], so
// that one object of an unexpected shape fails alone and not with all others.
func Guard(work func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = WithHint(&PanicError{Value: value, Where: panicked()}, panicHint)
		}
	}()

	return work()
}

// panicked finds the line that panicked: the first one below the runtime's own.
func panicked() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	below := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if below && !inRuntime {
			return fmt.Sprintf("%s (%s:%d)", filepath.Base(frame.Function), filepath.Base(frame.File), frame.Line)
		}
		below = below || frame.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
