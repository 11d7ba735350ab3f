package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// flagWants says what the flags of a type take.
var flagWants = map[string]string{
	"bool":     "true or false",
	"int":      "a whole number",
	"int64":    "a whole number",
	"uint":     "a whole number that is not negative",
	"float64":  "a number",
	"duration": "a length of time such as 90s, 15m or 2h",
}

// flagError says in the words of the command line what is wrong with a flag; the parser
// speaks of the functions of its language.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	name := "--" + invalid.GetFlag().Name
	if want, known := flagWants[invalid.GetFlag().Value.Type()]; known {
		return fmt.Errorf("%s: %q is not %s", name, invalid.GetValue(), want)
	}
	return fmt.Errorf("%s: %q: %w", name, invalid.GetValue(), invalid.Unwrap())
}
