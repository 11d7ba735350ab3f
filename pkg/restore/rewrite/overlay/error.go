package overlay

import "fmt"

// Error is something that an overlay asks for and does not get, or cannot mean.
type Error struct {
	// File is in the directory of the overlay, "" when no single file is to blame.
	File string
	// Line counts from 1, 0 when it is not known.
	Line int
	What string
}

func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.What
	case e.Line == 0:
		return e.File + ": " + e.What
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
}

func refuse(file, format string, args ...any) error {
	return &Error{File: file, What: fmt.Sprintf(format, args...)}
}
