package appbur_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The directions that matter most are checked against the compiler's own answer;
// the linter holds the rest (.golangci.yml, depguard).
func TestImportDirections(t *testing.T) {
	for _, test := range []struct {
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
			"./internal/retention",
			[]string{"github.com/appbur/appbur/internal/repository", "github.com/appbur/appbur/pkg/"},
			"retention judges values: the repository asks it, it asks nobody",
		},
		{
			"./pkg/restore",
			[]string{"github.com/go-git/", "github.com/appbur/appbur/pkg/gitsync", "github.com/appbur/appbur/pkg/contract"},
			"engines do not import one another",
		},
	} {
		t.Run(test.pkg, func(t *testing.T) {
			out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{else}}std {{.ImportPath}}{{end}}",
				test.pkg).Output()
			if err != nil {
				t.Fatalf("go list -deps %s: %v", test.pkg, err)
			}
			seen := 0

			for line := range strings.Lines(string(out)) {
				path, standard := strings.CutPrefix(strings.TrimSpace(line), "std ")
				seen++

				for _, refused := range test.refused {
					var bad bool
					if refused == "." {
						bad = !standard && path != "github.com/appbur/appbur"+strings.TrimPrefix(test.pkg, ".")
					} else {
						bad = strings.HasPrefix(path, refused)
					}
					if bad {
						t.Errorf("%s imports %s: %s", test.pkg, path, test.reason)
					}
				}
			}

			if seen == 0 {
				t.Errorf("go list named no package for %s: the check did not run", test.pkg)
			}
		})
	}
}
