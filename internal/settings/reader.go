package settings

import (
	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur/internal/nearword"
)

// Source says where the value of a setting comes from. The zero value stands for its default.
type Source struct {
	// Line is that of the document.
	Line int
	// From is where a value was given that stands in no document.
	From string
}

// reader gathers what reading a document finds.
type reader struct {
	faults  []Fault
	sources map[string]Source
	// overridden are the places in the document that something above it overrides.
	overridden map[string]Source
	// from is where the values are given that are read at the moment, "" for the document.
	from string
	// known are the paths of all settings.
	known []string
}

func (r *reader) fault(node *yaml.Node, path, problem, hint string) {
	r.faults = append(r.faults, Fault{Line: node.Line, Column: node.Column, From: r.from, Path: path, Problem: problem, Hint: hint})
}

// note remembers where a setting was given.
func (r *reader) note(node *yaml.Node, path string) {
	if before := r.sources[path]; before.Line > 0 {
		r.overridden[path] = before
	}
	r.sources[path] = Source{node.Line, r.from}
}

func newReader() *reader {
	return &reader{sources: map[string]Source{}, overridden: map[string]Source{}}
}

// refusesForm reports whether a value is written in a way that settings are not.
func (r *reader) refusesForm(path string, node *yaml.Node) bool {
	const instead = "write the value where it belongs"
	switch {
	case node.Kind == yaml.AliasNode:
		r.fault(node, path, "aliases are not supported here", instead)
	case node.Anchor != "":
		r.fault(node, path, "anchors are not supported here", instead)
	case node.Style&yaml.TaggedStyle != 0:
		r.fault(node, path, "tags such as "+shortened(node.Tag)+" are not supported here", instead+", without the tag")
	default:
		return false
	}
	return true
}

// unknown reports a setting that does not exist, and what was probably meant.
func (r *reader) unknown(key *yaml.Node, path string, names []string) {
	hint := "the settings here are " + joined(names)
	if near := nearword.Of(key.Value, names); near != "" {
		hint = "did you mean " + join(path, near) + "?"
	} else if elsewhere := named(key.Value, r.known); elsewhere != "" {
		hint = "did you mean " + elsewhere + "?"
	}
	r.fault(key, join(path, shortened(key.Value)), "there is no such setting", hint)
}

// joined is a list of names in a sentence.
func joined(names []string) string {
	text := ""
	for i, name := range names {
		switch {
		case i > 0 && i == len(names)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += name
	}
	return text
}

// join puts a name at the end of a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
