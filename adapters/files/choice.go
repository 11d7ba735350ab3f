package files

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// stageDir is where files wait. It is never chosen.
const stageDir = ".appbur"

// choice is a set of paths. A pattern that matches a directory chooses all below it.
type choice struct{ include, exclude []pattern }

// pattern is a path whose elements may have the wildcards of [path.Match]; "**"
// matches any number of elements.
type pattern []string

func newChoice(include, exclude []string) (choice, error) {
	if len(include) == 0 {
		return choice{}, errors.New("include is needed")
	}
	var c choice
	var err error
	if c.include, err = newPatterns(include); err != nil {
		return choice{}, fmt.Errorf("include: %w", err)
	}
	if c.exclude, err = newPatterns(exclude); err != nil {
		return choice{}, fmt.Errorf("exclude: %w", err)
	}
	return c, nil
}

func newPatterns(texts []string) ([]pattern, error) {
	var all []pattern
	for _, text := range texts {
		if !fs.ValidPath(text) || text == "." {
			return nil, fmt.Errorf("%q is not a relative path in its shortest form", text)
		}
		p := pattern(strings.Split(text, "/"))
		for _, element := range p {
			if _, err := path.Match(element, ""); err != nil {
				return nil, fmt.Errorf("%q: %w", text, err)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// has reports whether the path is chosen.
func (c choice) has(name string) bool {
	elements := strings.Split(name, "/")
	matches := func(p pattern) bool { return p.matches(elements) }
	return elements[0] != stageDir && slices.ContainsFunc(c.include, matches) && !slices.ContainsFunc(c.exclude, matches)
}

// below reports whether anything below the directory may be chosen.
func (c choice) below(dir string) bool {
	elements := strings.Split(dir, "/")
	return elements[0] != stageDir &&
		slices.ContainsFunc(c.include, func(p pattern) bool { return p.leads(elements) }) &&
		!slices.ContainsFunc(c.exclude, func(p pattern) bool { return p.matches(elements) })
}

// matches reports whether the pattern matches the path or a directory that it is in.
func (p pattern) matches(elements []string) bool {
	switch {
	case len(p) == 0:
		return true
	case p[0] == "**":
		for i := range len(elements) + 1 {
			if (len(p) > 1 || i < len(elements)) && p[1:].matches(elements[i:]) {
				return true
			}
		}
		return false
	case len(elements) == 0:
		return false
	}
	// Patterns were checked when they were read.
	same, _ := path.Match(p[0], elements[0])
	return same && p[1:].matches(elements[1:])
}

// leads reports whether something in the directory may match.
func (p pattern) leads(dir []string) bool {
	for i, element := range dir {
		if i >= len(p) || p[i] == "**" {
			return true
		}
		if same, _ := path.Match(p[i], element); !same {
			return false
		}
	}
	return true
}
