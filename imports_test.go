package appbur_test

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The directions that matter most are checked against the compiler's own answer;
// the linter holds the rest (.golangci.yml, depguard).
func TestImportDirections(t *testing.T) {
	rules := []struct {
		pkg     string
		refused []string
		reason  string
	}{
		{".", []string{"."}, "the shared words import the standard library only, so that everything may import them"},
		{"./internal/backoff", []string{"."}, "the contract waits by it, and stays light"},
		{
			"./pkg/contract",
			[]string{"k8s.io/", "sigs.k8s.io/", "github.com/go-git/", "github.com/prometheus/"},
			"every app author imports the contract, it stays light",
		},
		{"./pkg/manifest", []string{"k8s.io/client-go/", "github.com/go-git/", "net/http"}, "manifest is pure: no client, no I/O"},
		{"./pkg/compat", []string{"k8s.io/client-go/", "github.com/go-git/", "net/http"}, "compat is pure: no client, no I/O"},
		{"./pkg/compat/helm", []string{"k8s.io/client-go/", "helm.sh/", "net/http"}, "reading a Helm record needs no Helm"},
		{"./pkg/gitsync", []string{"k8s.io/", "sigs.k8s.io/"}, "gitsync stores files, it does not know Kubernetes"},
		{"./pkg/seal", []string{"k8s.io/"}, "seal encrypts files, it does not know Kubernetes"},
		{"./pkg/exporter", []string{"github.com/go-git/", "github.com/appbur/appbur/pkg/gitsync"}, "exporter knows clusters, not Git"},
		{
			"./internal/findings",
			[]string{"k8s.io/", "net/http", "github.com/appbur/appbur/pkg/"},
			"findings are values and texts, whatever was checked",
		},
		{"./internal/daemon", []string{"github.com/prometheus/"}, "a daemon is measured from outside"},
		{"./internal/deadpeer", []string{"."}, "every engine may dial by it"},
		{"./internal/health", []string{"."}, "checks and answers know nothing of what is checked"},
		{
			"./internal/keyring",
			[]string{"k8s.io/", "github.com/appbur/appbur/internal/repository"},
			"keyring is what a machine believes: no repository has a say in it",
		},
		{
			"./internal/pieces",
			[]string{"github.com/appbur/appbur/internal/repository", "github.com/appbur/appbur/pkg/"},
			"pieces cuts bytes: the repository stores and seals what it emits",
		},
		{
			"./internal/configuration",
			[]string{"k8s.io/", "net/http", "github.com/appbur/appbur/internal/repository", "github.com/appbur/appbur/pkg/"},
			"the configuration is values: who obeys them is not known here",
		},
		{
			"./internal/retention",
			[]string{"github.com/appbur/appbur/internal/repository", "github.com/appbur/appbur/pkg/"},
			"retention judges values: the repository asks it, it asks nobody",
		},
		{
			"./pkg/restore",
			[]string{"github.com/go-git/", "github.com/appbur/appbur/pkg/gitsync", "github.com/appbur/appbur/pkg/contract"},
			"engines do not import one another",
		},
	}

	packages := []string{"list", "-f", "{{.ImportPath}}{{range .Deps}} {{.}}{{end}}"}
	for _, rule := range rules {
		packages = append(packages, rule.pkg)
	}
	out, err := exec.Command("go", packages...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}

	// A line is a package, and all that it imports, itself or by others.
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		imports[fields[0]] = fields
	}

	for _, rule := range rules {
		t.Run(rule.pkg, func(t *testing.T) {
			self := path.Join("github.com/appbur/appbur", rule.pkg)
			if len(imports[self]) == 0 {
				t.Errorf("go list did not name %s: the check did not run", self)
			}
			for _, imported := range imports[self] {
				for _, refused := range rule.refused {
					bad := strings.HasPrefix(imported, refused)
					if refused == "." {
						bad = imported != self && !standard(imported)
					}
					if bad {
						t.Errorf("%s imports %s: %s", rule.pkg, imported, rule.reason)
					}
				}
			}
		})
	}
}

// What is built for users links no Go plugins: kustomize has a tag for that.
func TestBuildsLinkNoGoPlugins(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`(?m)^TAGS\s*:= (\S+)$`).FindSubmatch(makefile)
	if tags == nil || strings.Count(string(makefile), "-tags $(TAGS)") != 2 {
		t.Fatal("the Makefile does not build and install with its TAGS")
	}

	out, err := exec.Command("go", "list", "-deps", "-tags", string(tags[1]), "./cmd/appbur").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if strings.Contains("\n"+string(out), "\nplugin\n") {
		t.Error("the command links Go plugins")
	}
}

// standard says whether a package is of the standard library: the others begin with the name of a host.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
