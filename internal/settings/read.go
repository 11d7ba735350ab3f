package settings

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur/internal/strictyaml"
)

// Document is what was read.
type Document[T any] struct {
	Value T

	sources, overridden map[string]Source
}

// Source says where the value of a setting comes from.
func (d Document[T]) Source(path string) Source { return d.sources[path] }

// Overridden says where the document has a setting whose value comes from above it; the zero value stands for nowhere.
func (d Document[T]) Overridden(path string) Source { return d.overridden[path] }

// Given is a value from elsewhere than the document, for example from the environment.
type Given struct {
	// Path is the setting, Text its value without quotes.
	Path, Text string
	// From says where it was given.
	From string
}

// Rule is something that a value must be and that no single setting can say. Paths are the settings concerned, the one
// to blame first. Broken returns what is wrong and what to do about it, and "" if nothing is.
type Rule[T any] struct {
	Paths  []string
	Broken func(T) (problem, hint string)
}

// Read reads a document. What is below it holds where the document says nothing; what is above it holds whatever the
// document says. Without a document, nil, these are all there is. An error is an [Error].
func Read[T any](table ObjectType[T], data []byte, below, above []Given, rules ...Rule[T]) (Document[T], error) {
	r := newReader()
	for _, field := range table.Fields() {
		r.known = append(r.known, field.Path)
	}

	value := table.Default()
	readGiven(r, table, below, &value)
	if data != nil {
		if root := r.parse(data); root != nil {
			table.read(r, "", root, &value)
			table.demand(r, "", root)
		}
	}
	readGiven(r, table, above, &value)

	r.apply(len(rules), func(i int) ([]string, string, string) {
		problem, hint := rules[i].Broken(value)
		return rules[i].Paths, problem, hint
	})
	if err := asError(r.faults); err != nil {
		return Document[T]{}, err
	}
	return Document[T]{value, r.sources, r.overridden}, nil
}

// readGiven reads values from elsewhere as if each stood in a document of its own.
func readGiven[T any](r *reader, table ObjectType[T], values []Given, into *T) {
	defer func() { r.from = "" }()
	for _, g := range values {
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: given, Value: g.Text}
		names := strings.Split(g.Path, ".")
		for i := len(names) - 1; i >= 0; i-- {
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: names[i]}
			node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, node}}
		}
		r.from = g.From
		table.read(r, "", node, into)
	}
}

// apply judges by rules. One whose settings have faults of their own says nothing: it would judge by their defaults.
func (r *reader) apply(rules int, judge func(i int) (paths []string, problem, hint string)) {
	faulty := map[string]bool{}
	for _, f := range r.faults {
		faulty[f.Path] = true
	}
	for i := range rules {
		paths, problem, hint := judge(i)
		for _, path := range paths {
			if faulty[path] {
				problem = ""
			}
		}
		if problem == "" {
			continue
		}
		source := r.sources[paths[0]]
		for _, path := range paths[1:] {
			if source == (Source{}) {
				source = r.sources[path]
			}
		}
		r.faults = append(r.faults, Fault{Line: source.Line, From: source.From, Path: paths[0], Problem: problem, Hint: hint})
	}
}

// parse returns the root of the only document in the data, nil if there is none to read.
func (r *reader) parse(data []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		r.faults = append(r.faults, Fault{Line: 1, Problem: "the file is empty", Hint: "write at least the settings that have to be there"})
		return nil
	case err != nil:
		r.faults = append(r.faults, syntaxFault(err))
		return nil
	}

	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.faults = append(r.faults, syntaxFault(err))
	default:
		r.fault(&second, "", "there is a second document in the file", "put each in a file of its own")
	}
	return document.Content[0]
}

var (
	atLine = regexp.MustCompile(`^line (\d+): `)
	// ofParser are the errors whose lines the library counts from 0, unlike those of its scanner.
	ofParser = regexp.MustCompile(`^did not find expected`)
	// ofFirstLine are errors for which it says no line when that would be the first.
	ofFirstLine = regexp.MustCompile(`^(did not find|could not find|found|mapping values|block)`)
)

// syntaxFault is what the library says of a text that is no YAML. It finds one such place only.
func syntaxFault(err error) Fault {
	f := Fault{Problem: strictyaml.Plain(err).Error(), Hint: "the rest of the file can be judged when this is corrected"}
	m := atLine.FindStringSubmatch(f.Problem)
	if m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Problem = strings.TrimPrefix(f.Problem, m[0])
	}

	switch {
	case m != nil && ofParser.MatchString(f.Problem):
		f.Line++
	case m == nil && ofFirstLine.MatchString(f.Problem):
		f.Line = 1
	}
	return f
}
