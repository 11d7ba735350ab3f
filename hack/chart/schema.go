package main

import (
	_ "embed" // the schema is a file
	"encoding/json"
	"fmt"

	"github.com/appbur/appbur/internal/configuration"
)

// written describes values.yaml, but for what is in the section configuration.
//
//go:embed values.schema.json
var written []byte

// schema describes values.yaml. The configuration of the daemon is described as it is everywhere, so that an editor
// and `helm lint` find the faults that `appbur config check` finds.
func schema() ([]byte, error) {
	var values, file map[string]any
	text, err := configuration.Schema()
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err == nil {
		err = json.Unmarshal(written, &values)
	}
	if err != nil {
		return nil, fmt.Errorf("the schema of the values: %w", err)
	}

	delete(file, "$schema")
	delete(file, "$id")
	properties, isMap := values["properties"].(map[string]any)
	if !isMap || properties["configuration"] == nil {
		return nil, fmt.Errorf("the schema of the values has no place for the configuration")
	}
	properties["configuration"] = file
	data, err := json.MarshalIndent(values, "", "  ")
	return append(data, '\n'), err
}
