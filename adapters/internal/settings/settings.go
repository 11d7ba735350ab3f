// Package settings reads the configuration files of adapters. It is strict: what an
// adapter does not know is an error with its line, because a misspelt setting of a
// backup shows only when it is too late. What the values mean is the adapter's
// business.
package settings

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
)

// Decode reads a YAML document into a struct whose fields are all settings that there
// are. An empty file is an error.
func Decode(data []byte, into any) error {
	if err := strictyaml.Decode(data, into); err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	return nil
}

// Explain makes sure that an error about a configuration says what to do: its own hint
// stays, any other error points to the example that shows every setting.
func Explain(err error, example string) error {
	if err == nil || appbur.HintOf(err) != "" {
		return err
	}
	return appbur.WithHint(err, example+" shows every setting and what it means")
}
