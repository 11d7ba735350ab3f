// Package settings reads the configuration files of adapters. It is strict: what an
// adapter does not know is an error with its line, because a misspelt setting of a
// backup shows only when it is too late. What the values mean is the adapter's
// business.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/yamlfault"
)

// Decode reads a YAML document into a struct whose fields are all settings that there
// are. An empty file is an error.
func Decode(data []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return fmt.Errorf("reading the configuration: %w", yamlfault.Plain(err))
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
