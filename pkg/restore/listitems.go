package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// errNotAList is an answer to a list that is something else.
var errNotAList = errors.New("the answer of the server is not a list")

// eachItem reads a list and passes its items on, one after the other, as they arrive. It
// returns the token that the list continues with.
func eachItem(list io.Reader, visit func(map[string]any)) (next string, err error) {
	decoder := json.NewDecoder(list)
	if err := expect(decoder, json.Delim('{')); err != nil {
		return "", err
	}

	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return "", fmt.Errorf("reading the list: %w", err)
		}
		switch key {
		case "metadata":
			var metadata struct {
				Continue string `json:"continue"`
			}
			if err := decoder.Decode(&metadata); err != nil {
				return "", fmt.Errorf("reading the list: %w", err)
			}
			next = metadata.Continue
		case "items":
			if err := eachElement(decoder, visit); err != nil {
				return "", err
			}
		default:
			var skipped json.RawMessage
			if err := decoder.Decode(&skipped); err != nil {
				return "", fmt.Errorf("reading the list: %w", err)
			}
		}
	}
	return next, expect(decoder, json.Delim('}'))
}

// eachElement reads the items themselves. A list without any may have null for them.
func eachElement(decoder *json.Decoder, visit func(map[string]any)) error {
	begin, err := decoder.Token()
	if err != nil {
		return fmt.Errorf("reading the list: %w", err)
	}
	if begin == nil {
		return nil
	}
	if begin != json.Delim('[') {
		return errNotAList
	}

	for decoder.More() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return fmt.Errorf("reading the list: %w", err)
		}
		var object map[string]any
		if err := utiljson.Unmarshal(raw, &object); err != nil {
			return fmt.Errorf("reading an object of the list: %w", err)
		}
		if object == nil {
			return errNotAList
		}
		visit(object)
	}
	return expect(decoder, json.Delim(']'))
}

func expect(decoder *json.Decoder, want json.Delim) error {
	token, err := decoder.Token()
	if err != nil {
		return fmt.Errorf("reading the list: %w", err)
	}
	if token != want {
		return errNotAList
	}
	return nil
}
