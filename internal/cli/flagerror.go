package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// flagType says what the flags of a type take, and shows one value of it.
type flagType struct{ takes, example string }

// flagTypes are the types of flags that can have a wrong value; of texts the commands
// themselves say what is wrong.
var flagTypes = map[string]flagType{
	"bool":     {"true or false", "false"},
	"int":      {"a whole number", "5"},
	"int64":    {"a whole number", "5"},
	"uint":     {"a whole number that is not negative", "5"},
	"float64":  {"a number", "0.5"},
	"duration": {"a length of time such as 90s, 15m or 2h", "15m"},
}

// flagError says in the words of the command line what is wrong with a flag; the parser
// speaks of the functions of its language.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	name := "--" + invalid.GetFlag().Name
	if kind, known := flagTypes[invalid.GetFlag().Value.Type()]; known {
		return fmt.Errorf("%s: %q is not %s", name, invalid.GetValue(), kind.takes)
	}
	return fmt.Errorf("%s: %q: %w", name, invalid.GetValue(), invalid.Unwrap())
}

// flagValueHint shows how the flag with a wrong value is written, "" for another error.
func flagValueHint(err error) string {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return ""
	}
	flag := invalid.GetFlag()
	kind, known := flagTypes[flag.Value.Type()]
	if !known {
		return ""
	}
	return fmt.Sprintf("--%s takes %s, as in --%s=%s", flag.Name, kind.takes, flag.Name, kind.example)
}
