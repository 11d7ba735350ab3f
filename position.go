package appbur

import (
	"errors"
	"fmt"
	"regexp"
)

// Position is how far a counter had come that numbers rows of a dataset, such as a
// sequence or AUTO_INCREMENT. The rows alone do not tell: numbers of rows that are gone
// must not be given to others.
type Position struct {
	// Field is the top-level field that the counter fills.
	Field string `json:"field"`
	// Counter is what the application calls it; empty when the field tells it.
	Counter string `json:"counter,omitempty"`
	// Next is the number that it would give next, in decimal: it may exceed 64 bits.
	Next string `json:"next"`
}

var positionNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,39})$`)

// Check refuses what is no position.
func (p Position) Check() error {
	switch {
	case p.Field == "":
		return errors.New("a position names no field")
	case !positionNumber.MatchString(p.Next):
		return fmt.Errorf("the position of the counter of %s is %q, which is not a decimal number", p.Field, p.Next)
	}
	return nil
}
