package appbur_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Functions read in paragraphs: of those with 25 lines and more, nine in ten have a blank line between their
// steps. A table is one step.
func TestFunctionsReadInParagraphs(t *testing.T) {
	var long, blocks []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}

		ofFile, inOne, err := longFunctions(path)
		long, blocks = append(long, ofFile...), append(blocks, inOne...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	if len(long) < 1000 {
		t.Fatalf("only %d long functions were read", len(long))
	}
	if 10*len(blocks) > len(long) {
		t.Errorf("%d of %d long functions are one block:\n%s", len(blocks), len(long), strings.Join(blocks, "\n"))
	}
}

// longFunctions returns the functions of a file that have 25 lines or more, and those of them without a blank line.
func longFunctions(path string) (long, blocks []string, err error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}

	lines := strings.Split(string(source), "\n")
	for _, d := range file.Decls {
		function, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		begin, end := files.Position(function.Pos()), files.Position(function.End())
		if end.Line-begin.Line < 25 {
			continue
		}

		name := begin.String() + " " + function.Name.Name
		long = append(long, name)
		if !hasBlankLine(lines[begin.Line:end.Line]) {
			blocks = append(blocks, name)
		}
	}
	return long, blocks, nil
}

func hasBlankLine(lines []string) bool {
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			return true
		}
	}
	return false
}
