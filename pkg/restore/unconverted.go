package restore

import (
	"errors"
	"fmt"
)

// An API server stores custom resources at one version of their kind, and has those that it stored at
// another one converted when it reads them. Where nobody answers for the conversion webhook it can read
// none of these, and no list that has one. All others it reads and writes as ever, each by itself: so a
// list that fails keeps nothing from being restored, least of all the workload that would answer.

// ErrUnconverted is the error of a list of objects of which some cannot be converted.
var ErrUnconverted = errors.New("the target cannot list the kind, because nobody answers for its conversion webhook")

// IsUnconverted reports whether nobody answers for the conversion webhook of a kind.
func IsUnconverted(err error) bool {
	return errors.Is(err, ErrUnconverted) || mentions(err, "conversion webhook for ")
}

// unlisted makes one error of those that servers give for such a list. New ones ask for another try,
// as if they had too much to do, and later each time; but that is true of nothing else that they are
// asked for, and no list comes of it.
func unlisted(err error) error {
	if !IsUnconverted(err) {
		return err
	}
	return fmt.Errorf("%w: %s", ErrUnconverted, err.Error())
}
