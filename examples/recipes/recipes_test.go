package recipes

import (
	"maps"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur/adapters/exec"
)

// tried says of every recipe whether a test runs it against its real program, and if not, why.
var tried = map[string]string{
	"etcd":       "",
	"gitea":      "Gitea's Go module cannot be had; its commands run against SQLite and git repositories",
	"grafana":    "Grafana is in no registry; its commands run against SQLite",
	"harbor":     "Harbor is in no registry; its commands run against PostgreSQL",
	"keycloak":   "Keycloak is in no registry",
	"mariadb":    "",
	"mongodb":    "MongoDB is in no registry; its commands run against FerretDB, by MongoDB's own shell",
	"postgresql": "",
	"redis":      "",
	"vault":      "Vault takes longer to build than all other tests of recipes together",
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// names are the recipes that are there.
func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".yaml")
	}
	return files
}

// TestEveryRecipeIsDescribed reads each recipe as appbur does, and holds its comment to what a person has to know.
func TestEveryRecipeIsDescribed(t *testing.T) {
	table, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			text := read(t, name)
			program, err := exec.ParseProgram(text)
			if err != nil {
				t.Fatal(err)
			}
			if len(program.NotCovered) < 3 {
				t.Errorf("what it does not cover is %q", program.NotCovered)
			}

			comment, _, _ := strings.Cut(string(text), "\napp: ")
			topics := []string{"# Image:", "# Rights:", "# Moment:", "# Replaces:", "# Versions:", "ried ", "https://", "docs/recipes.md"}
			for _, topic := range topics {
				if !strings.Contains(comment, topic) {
					t.Errorf("its comment has no %q", topic)
				}
			}
			for i, line := range strings.Split(string(text), "\n") {
				if len([]rune(line)) > 140 {
					t.Errorf("line %d has %d characters", i+1, len([]rune(line)))
				}
			}

			why, known := tried[name]
			switch {
			case !known:
				t.Error("nobody says whether it was tried")
			case why != "":
				t.Logf("NOT RUN AGAINST ITS PROGRAM: %s", why)
			}
			if !strings.Contains(string(table), "examples/recipes/"+name+".yaml") {
				t.Error("docs/recipes.md has no row of it")
			}
			if strings.Contains(comment, "# Not tried against") != (why != "") {
				t.Error("its comment and the tests differ about whether it was tried")
			}
		})
	}
}

// TestAllPrograms has a recipe for each program that is promised.
func TestAllPrograms(t *testing.T) {
	want := []string{"etcd", "gitea", "grafana", "harbor", "keycloak", "mariadb", "mongodb", "postgresql", "redis", "vault"}
	if got := names(t); !slices.Equal(got, want) {
		t.Errorf("the recipes are %v, and should be %v", got, want)
	}
}

// TestHarborIsPostgreSQL: two recipes have the same commands, and stay the same.
func TestHarborIsPostgreSQL(t *testing.T) {
	if harbor, postgres := shellTexts(t, "harbor"), shellTexts(t, "postgresql"); !maps.Equal(harbor, postgres) {
		t.Error("the commands of harbor.yaml and postgresql.yaml differ")
	}
}

// TestShellTexts has the shell read every text that it will be given.
func TestShellTexts(t *testing.T) {
	for _, name := range names(t) {
		for where, text := range shellTexts(t, name) {
			cmd := osexec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", name, where, err, out)
			}
			// A pipe, an unset variable or a failed command must not pass for success.
			if strings.Count(text, "\n") > 2 && !strings.Contains(text, "set -eu") && !strings.Contains(where, "versionCommand") {
				t.Errorf("%s: %s does not end at the first failure", name, where)
			}
		}
	}
}

// shellTexts are the texts of a recipe by where they stand.
func shellTexts(t *testing.T, name string) map[string]string {
	t.Helper()
	var recipe yaml.Node
	if err := yaml.Unmarshal(read(t, name), &recipe); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	collect(&recipe, nil, texts)
	if len(texts) == 0 {
		t.Fatalf("%s has no texts", name)
	}
	return texts
}

func collect(node *yaml.Node, path []string, into map[string]string) {
	if node.Kind != yaml.MappingNode {
		for _, inner := range node.Content {
			collect(inner, path, into)
		}
		return
	}
	for pair := range slices.Chunk(node.Content, 2) {
		where := append(slices.Clone(path), pair[0].Value)
		// The shell of the place is the name of one, and has no text.
		if pair[0].Value == "shell" && pair[1].Kind == yaml.ScalarNode && !strings.HasPrefix(pair[1].Value, "/") {
			into[strings.Join(path, ".")] = pair[1].Value
		}
		collect(pair[1], where, into)
	}
}
