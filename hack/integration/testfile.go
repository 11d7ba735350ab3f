package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ownTests is the directive of a TestMain or init that changes nothing for tests in other files, such as one that
// makes the test binary act as a program which a test starts. A reason follows it.
const ownTests = "//integration:own-tests"

// testFile is what a file adds to the tests of its package.
type testFile struct {
	tests  []string // the names of the functions that `go test` runs
	shared bool     // it may change what other tests do
}

func readTestFile(path string) (testFile, error) {
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return testFile{}, err
	}

	var file testFile
	for _, d := range syntax.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			file.shared = file.shared || runsCode(d)
		case *ast.FuncDecl:
			switch {
			case d.Recv != nil:
			case d.Name.Name == "init", isTestMain(d):
				own, err := hasDirective(d)
				if err != nil {
					return testFile{}, fmt.Errorf("%s: %w", files.Position(d.Pos()), err)
				}
				file.shared = file.shared || !own
			case isTest(d.Name.Name):
				file.tests = append(file.tests, d.Name.Name)
			}
		}
	}

	return file, nil
}

// isTest reports whether `go test` runs a function of that name for -run: the rule is that of cmd/go.
func isTest(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz", "Example"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			first, _ := utf8.DecodeRuneInString(rest)
			return rest == "" || !unicode.IsLower(first)
		}
	}
	return false
}

// isTestMain tells the TestMain that runs a package's tests from a test of that name, by its parameter.
func isTestMain(d *ast.FuncDecl) bool {
	if d.Name.Name != "TestMain" || d.Type.Params.NumFields() != 1 {
		return false
	}
	pointer, ok := d.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	switch named := pointer.X.(type) {
	case *ast.SelectorExpr:
		return named.Sel.Name == "M"
	case *ast.Ident:
		return named.Name == "M"
	}
	return false
}

// runsCode reports whether a declaration is there for what it does: `var _ = register()`. A variable with a name is
// not: no file without the tag can use it.
func runsCode(d *ast.GenDecl) bool {
	for _, spec := range d.Specs {
		values, ok := spec.(*ast.ValueSpec)
		if !ok || d.Tok != token.VAR {
			continue
		}

		for _, name := range values.Names {
			calls := false
			for _, value := range values.Values {
				ast.Inspect(value, func(n ast.Node) bool {
					_, call := n.(*ast.CallExpr)
					calls = calls || call
					return true
				})
			}
			if name.Name == "_" && calls {
				return true
			}
		}
	}
	return false
}

// hasDirective reports whether a function has the directive [ownTests].
func hasDirective(d *ast.FuncDecl) (bool, error) {
	if d.Doc == nil {
		return false, nil
	}
	for _, comment := range d.Doc.List {
		if reason, ok := strings.CutPrefix(comment.Text, ownTests); ok {
			if strings.TrimSpace(reason) == "" {
				return false, fmt.Errorf("%s needs a reason: why does %s change nothing for other tests?", ownTests, d.Name.Name)
			}
			return true, nil
		}
	}
	return false, nil
}
