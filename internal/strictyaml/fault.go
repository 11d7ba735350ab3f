package strictyaml

import (
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fault is an error of the library in other words.
type fault struct {
	text string
	err  error
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.err }

// Plain returns an error of the YAML library in words of the file. Any other error, and
// nil, comes back as it is.
func Plain(err error) error {
	var types *yaml.TypeError
	if errors.As(err, &types) {
		var said []string
		for _, each := range types.Errors {
			said = append(said, plainType(each))
		}
		return &fault{strings.Join(said, "; "), err}
	}
	if err == nil {
		return nil
	}
	if text, ok := strings.CutPrefix(err.Error(), "yaml: "); ok {
		return &fault{text, err}
	}
	return err
}

var (
	unknownField = regexp.MustCompile(`(?s)^(line \d+: )field (.*) not found in type \S+$`)
	wrongType    = regexp.MustCompile("(?s)^(line \\d+: )cannot unmarshal (.*?)(?: `(.*)`)? into (.+)$")
)

func plainType(text string) string {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		return m[1] + "there is no setting " + m[2]
	}
	m := wrongType.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	what, known := tags[m[2]]
	if !known {
		what = "something else"
	}
	if m[3] != "" {
		what = "`" + m[3] + "`"
	}
	return m[1] + what + " stands where " + wanted(m[4]) + " is wanted"
}

// tags are what YAML calls the kinds of values.
var tags = map[string]string{
	"!!str": "a text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false",
	"!!seq": "a list", "!!map": "a mapping", "!!null": "nothing", "!!timestamp": "a time",
}

// wanted says what a type of the language takes.
func wanted(goType string) string {
	goType = strings.TrimLeft(goType, "*")
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "bool":
		return "true or false"
	case goType == "string":
		return "a text"
	case goType == "time.Duration":
		return "a length of time such as 15m"
	}
	return "a mapping of settings"
}
