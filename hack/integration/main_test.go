package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// The packages of testdata/stages.txtar are tested as `make test` does: without the tag, and then with what this command
// adds. Together that is every test there is, and a second time only where the tag may change what it does. A failure is
// told in the exit code, and the packages after it run all the same.
func TestStagesTogetherRunEveryTest(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a dozen test programs")
	}
	dir := module(t, "stages.txtar")
	first := passed(t, goIn(t, dir, "test", "-json", "./..."))
	var out bytes.Buffer
	err := run(t.Context(), []string{"-C", dir}, &out, os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "example.com/m/failing") {
		t.Errorf("got the error %v, want one that names the package that fails", err)
	}
	second := passed(t, out.Bytes())

	for _, want := range []struct{ pkg, first, second string }{
		{"plain", "Example_one FuzzOne TestBoth TestOne", "Example_two FuzzTwo TestBoth TestBoth TestMain TestTwo"},
		{"testmain", "TestOne", "TestOne TestTwo"},
		{"init", "TestOne", "TestOne TestTwo"},
		{"blank", "TestOne", "TestOne TestTwo"},
		{"replaced", "TestOne", "TestOne TestTwo"},
		{"owntests", "TestOne", "TestTwo"},
		{"untagged", "TestOne", ""},
		{"helpers", "", ""},
		{"failing", "", ""},
		{"passing", "", "TestAfter"},
	} {
		if got := strings.Join(first["example.com/m/"+want.pkg], " "); got != want.first {
			t.Errorf("without the tag %q ran in %s, want %q", got, want.pkg, want.first)
		}
		if got := strings.Join(second["example.com/m/"+want.pkg], " "); got != want.second {
			t.Errorf("with the tag %q ran in %s, want %q", got, want.pkg, want.second)
		}
	}
}

func TestWrongBuildTagsAreRefused(t *testing.T) {
	for archive, want := range map[string]string{
		"source.txtar":     "move what is tagged into a _test.go file",
		"onlyplain.txtar":  "is a package only without the tag",
		"noreason.txtar":   "needs a reason",
		"unreadable.txtar": "expected",
	} {
		t.Run(archive, func(t *testing.T) {
			_, err := readPlan(t.Context(), module(t, archive), []string{"./..."})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got the error %v, want %q", err, want)
			}
		})
	}
}

// Every test function of this repository is in a file that `go test` builds without the tag, or in the plan. The files
// are found without go list, so that none is missing in both.
func TestEveryTestOfThisRepositoryRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("lists every package of the repository three times")
	}
	root := strings.TrimSpace(string(goIn(t, ".", "list", "-m", "-f", "{{.Dir}}")))
	plan, err := readPlan(t.Context(), root, []string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := list(t.Context(), root, []string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]bool{} // by directory and function
	for _, p := range plain {
		for _, file := range p.tests() {
			for _, name := range functions(t, filepath.Join(p.Dir, file)) {
				runs[p.Dir+" "+name] = true
			}
		}
	}
	tagged, err := list(t.Context(), root, []string{"./..."}, "-tags", tag)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plan {
		for _, name := range p.names {
			runs[tagged[p.pkg].Dir+" "+name] = true
		}
	}

	seen := 0
	for _, file := range testFiles(t, root) {
		for _, name := range functions(t, file) {
			seen++
			if !runs[filepath.Dir(file)+" "+name] {
				t.Errorf("%s in %s runs neither without the tag nor with it", name, file)
			}
		}
	}
	if seen < 900 {
		t.Errorf("only %d test functions were found", seen)
	}
}

// testFiles returns the test files of the module at root, and none of the modules within it.
func testFiles(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root {
			_, statErr := os.Stat(filepath.Join(path, "go.mod"))
			if statErr == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return filepath.SkipDir
			}
		}
		if !d.IsDir() && strings.HasSuffix(path, "_test.go") {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// functions returns the names of functions that take a *testing.T or *testing.F: what is a test by its type.
func functions(t *testing.T, path string) []string {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	for _, d := range syntax.Decls {
		function, ok := d.(*ast.FuncDecl)
		if !ok || function.Recv != nil || function.Type.Params.NumFields() != 1 || function.Type.Results != nil || !isTest(function.Name.Name) {
			continue
		}
		pointer, ok := function.Type.Params.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if named, ok := pointer.X.(*ast.SelectorExpr); ok && (named.Sel.Name == "T" || named.Sel.Name == "F") {
			names = append(names, function.Name.Name)
		}
	}
	return names
}

// module unpacks a module of testdata and returns its directory.
func module(t *testing.T, archive string) string {
	t.Helper()
	parsed, err := txtar.ParseFile(filepath.Join("testdata", archive))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	parsed.Files = append(parsed.Files, txtar.File{Name: "go.mod", Data: []byte("module example.com/m\n\ngo 1.24\n")})

	for _, file := range parsed.Files {
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func goIn(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, out)
	}
	return out
}

// passed returns the tests of each package that passed according to `go test -json`, sorted.
func passed(t *testing.T, stream []byte) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(stream)); decoder.More(); {
		var event struct{ Action, Package, Test string }
		if err := decoder.Decode(&event); err != nil {
			t.Fatal(err)
		}
		if event.Action == "pass" && event.Test != "" && !strings.Contains(event.Test, "/") {
			names[event.Package] = append(names[event.Package], event.Test)
		}
	}

	for _, of := range names {
		slices.Sort(of)
	}
	return names
}
