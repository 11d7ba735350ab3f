package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// What is wrong with a key directory leads to the flag that names another one.
func TestHintsOfTheKeyDirectory(t *testing.T) {
	dir, empty := filepath.Join(t.TempDir(), "keys"), t.TempDir()
	if _, _, err := keyring.Create(dir, rand.Reader); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(empty, "missing")

	_, noKeys := keyring.Load(empty)
	_, noDirectory := keyring.LoadOpener("", "")
	_, noIdentity := keyring.LoadOpener(empty, "")
	_, nobody := keyring.TrustRoot(empty, "")
	_, noFile := keyring.TrustRoot("", missing)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"keys are there":           {keyring.Vacant(dir), "pass --keys with another directory"},
		"no keys":                  {noKeys, "pass --keys DIR"},
		"no directory, no file":    {noDirectory, "pass --identity FILE"},
		"no identity":              {noIdentity, "pass --identity FILE"},
		"nobody trusted":           {nobody, "pass --trust FILE with the allowed_signers of the machine"},
		"a trust root not to read": {noFile, "pass --trust FILE in the format"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hintOf(test.err); !strings.HasPrefix(got, test.want) {
				t.Errorf("%v: hint %q, want %q", test.err, got, test.want)
			}
		})
	}
}

// Each reason that a repository gives leads to a next step, which names what the error is about.
func TestEveryReasonHasAHint(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../repository/reason.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	reasons := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) == 0 {
			return true
		}
		reasons++
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		reason := &repository.Error{Reason: repository.Reason(text), Dir: "/r.git", Point: "20261129T030238Z", Err: errors.New("wrong")}
		if got := hintOf(fmt.Errorf("opening: %w", reason)); err != nil || got == "" || strings.Contains(got, "{") {
			t.Errorf("%s: hint %q", text, got)
		}
		return true
	})
	if reasons != len(repositoryHints) {
		t.Errorf("%d reasons, %d hints", reasons, len(repositoryHints))
	}
}

// Whoever wraps an error of a repository and says what to do knows more of what the user was doing.
func TestTheOutermostHintOfARepositoryWins(t *testing.T) {
	reason := &repository.Error{Reason: repository.ReasonNoPoint, Dir: "/r.git", Err: appbur.WithHint(errors.New("wrong"), "inner")}
	if got := hintOf(reason); got != "make one with `appbur backup --repo /r.git`" {
		t.Errorf("the reason is outside: %q", got)
	}
	if got := hintOf(appbur.WithHint(fmt.Errorf("opening: %w", reason), "outer")); got != "outer" {
		t.Errorf("a hint is outside: %q", got)
	}
}
