package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const tag = "integration"

// tests are what runs of one package.
type tests struct {
	pkg   string
	all   bool     // all tests of the package
	names []string // or these functions
}

// args are the arguments of go.
func (p tests) args() []string {
	args := []string{"test", "-json", "-tags", tag, "-timeout", "45m"}
	if !p.all {
		args = append(args, "-run", "^("+strings.Join(p.names, "|")+")$")
	}
	return append(args, p.pkg)
}

// readPlan returns what the tag adds to `go test` of the patterns: the test functions in files that are built with
// the tag only. All tests of a package run where
//
//   - it has a file without the tag that it has not with it: two files may say the same thing in two ways;
//   - a file with the tag has a TestMain, an init or a `var _ = call()`, which other tests may depend on. Those
//     that only the tests beside them see say so, with a reason, in a directive: see [ownTests].
//
// Programs and libraries are the same with and without the tag; a package that is not is refused, because the tests
// of all that import it would have to run.
func readPlan(ctx context.Context, dir string, patterns []string) ([]tests, error) {
	plain, err := list(ctx, dir, patterns)
	if err != nil {
		return nil, err
	}
	tagged, err := list(ctx, dir, patterns, "-tags", tag)
	if err != nil {
		return nil, err
	}
	for path := range plain {
		if _, ok := tagged[path]; !ok {
			return nil, fmt.Errorf("%s is a package only without the tag: the tag may only add tests", path)
		}
	}

	var plan []tests
	for path, with := range tagged {
		without := plain[path]
		if !slices.Equal(with.sources(), without.sources()) {
			return nil, fmt.Errorf("the tag changes more than the tests of %s, so that all that import it have to be tested again: "+
				"move what is tagged into a _test.go file", path)
		}
		p, err := added(path, with, without)
		if err != nil {
			return nil, err
		}
		if p.all || len(p.names) > 0 {
			plan = append(plan, p)
		}
	}
	slices.SortFunc(plan, func(a, b tests) int { return strings.Compare(a.pkg, b.pkg) })

	return plan, nil
}

// added returns the tests of a package that its files with the tag add.
func added(path string, with, without pkg) (tests, error) {
	p := tests{pkg: path}
	for _, name := range without.tests() {
		if !slices.Contains(with.tests(), name) {
			p.all = true
		}
	}

	for _, name := range with.tests() {
		if slices.Contains(without.tests(), name) {
			continue
		}
		file, err := readTestFile(filepath.Join(with.Dir, name))
		if err != nil {
			return tests{}, err
		}
		p.all = p.all || file.shared
		p.names = append(p.names, file.tests...)
	}
	slices.Sort(p.names)
	p.names = slices.Compact(p.names)

	return p, nil
}

// pkg is what `go list` says of a package.
type pkg struct {
	Dir, ImportPath                              string
	GoFiles, CgoFiles, TestGoFiles, XTestGoFiles []string
}

func (p pkg) sources() []string { return slices.Concat(p.GoFiles, p.CgoFiles) }
func (p pkg) tests() []string   { return slices.Concat(p.TestGoFiles, p.XTestGoFiles) }

// list returns the packages of patterns by import path.
func list(ctx context.Context, dir string, patterns []string, flags ...string) (map[string]pkg, error) {
	args := append([]string{"list", "-json=Dir,ImportPath,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles"}, flags...)
	command := exec.CommandContext(ctx, "go", append(args, patterns...)...)
	command.Dir = dir
	var stderr bytes.Buffer
	command.Stderr = &stderr

	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	packages := map[string]pkg{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		packages[p.ImportPath] = p
	}
}
