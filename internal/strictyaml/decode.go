package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode reads a document into a struct whose fields are all settings that there are. An
// empty file is an error.
func Decode(data []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	err := decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	if err != nil {
		return Plain(err)
	}

	if err := decoder.Decode(&yaml.Node{}); err == nil {
		return errors.New("there is a second document in the file")
	} else if !errors.Is(err, io.EOF) {
		return Plain(err)
	}
	return fractionsFit(data, into)
}

// fractionsFit finds fractions that the library cut off to fit an integer: it refuses
// only what is too large. So all of them are made too large for that, which a field for
// fractions still takes, and the document is read once more.
func fractionsFit(data []byte, into any) error {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return Plain(err)
	}
	written := map[string]string{}
	enlarge(&document, written)
	if len(written) == 0 {
		return nil
	}

	var types *yaml.TypeError
	if !errors.As(document.Decode(reflect.New(reflect.TypeOf(into).Elem()).Interface()), &types) {
		return nil
	}
	for i := range types.Errors {
		for large, fraction := range written {
			types.Errors[i] = strings.Replace(types.Errors[i], "`"+large+"`", "`"+fraction+"`", 1)
		}
	}
	return Plain(types)
}

// enlarge puts a large number in the place of each one with a fraction, and notes what was
// written there.
func enlarge(n *yaml.Node, written map[string]string) {
	value, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!float" && err == nil && value != math.Trunc(value) {
		large := fmt.Sprintf("9e%d", 50+len(written)%200)
		written[large], n.Value = n.Value, large
	}
	for _, child := range n.Content {
		enlarge(child, written)
	}
}
