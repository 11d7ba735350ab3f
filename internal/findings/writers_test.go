package findings

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// odd has everything that a format has to escape.
const odd = "a: 100%, <b> | \"c\" & ]]> `d`\r\n::error::e @team \x01"

// example has each kind of finding, of which the first is known.
func example() Report {
	r := Report{
		Tool: Tool{"appbur compat cluster", "v1.2.3", []Rule{
			{ID: "api-removed", Title: "removed", Why: "It is gone.", Link: "https://example.org/x"},
		}},
		Title: "deploy/ for Kubernetes 1.37", Summary: "2 served, 3 not",
		Checked: []Subject{{"Service/web/good", "deploy/web.yaml", 1}, {"Ingress.extensions/web/shop", "deploy/web.yaml", 12}},
		Findings: []Finding{
			{
				Rule: "api-removed", Level: Error, Subject: "Ingress.extensions/web/old", File: "./deploy/old one.yaml", Line: 3,
				Message: "extensions/v1beta1 is gone", Hint: "write networking.k8s.io/v1", Source: "https://example.org/guide",
			},
			{
				Rule: "api-removed", Level: Error, Subject: "Ingress.extensions/web/shop", File: "deploy/web.yaml", Line: 12,
				Message: "extensions/v1beta1 is gone", Hint: "write networking.k8s.io/v1", Versions: []string{"1.25", "1.37"},
			},
			{
				Rule: "object-lossy", Level: Warning, Subject: "Pod/web/odd", Detail: "spec.x", File: "a:b,c%.yaml", Line: 1,
				Message: odd, Reason: odd, Hint: odd,
			},
			{Rule: "client-request", Level: Note, Subject: "extensions/v1beta1 ingresses", Message: "somebody still asks for it"},
			{Rule: "object-lossy", Level: Error, Subject: "Pod/web/odd", Detail: "spec.y", Message: odd},
		},
	}
	r.Seal()
	b := r.Baseline()
	b.Findings = []Accepted{
		accepted(b, "Ingress.extensions/web/old"),
		{Fingerprint: "0", Rule: "api-removed", Subject: "Ingress.extensions/web/gone"},
	}
	r.Apply(b)
	return r
}

func accepted(b Baseline, subject string) Accepted {
	for _, a := range b.Findings {
		if a.Subject == subject {
			return a
		}
	}
	return Accepted{}
}

func written(t *testing.T, form string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Writers[form](&out, example()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The schema of the standard judges the log, formats of URIs included.
func TestSARIF(t *testing.T) {
	file, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(sarifSchema, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(sarifSchema)
	if err != nil {
		t.Fatal(err)
	}

	for name, report := range map[string]Report{"findings": example(), "nothing": {Tool: Tool{Name: "x"}}} {
		var out bytes.Buffer
		if err := SARIF(&out, report); err != nil {
			t.Fatal(err)
		}
		log, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	text := string(written(t, "sarif"))
	for _, want := range []string{
		`"uri": "deploy/old%20one.yaml"`, `"uri": "a%3Ab,c%25.yaml"`, `"uri": "extensions/v1beta1%20ingresses"`, `"startLine": 12`,
		`"baselineState": "unchanged"`, `"helpUri": "https://example.org/x"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if err := schema.Validate(map[string]any{"version": "2.1.0"}); err == nil {
		t.Error("the schema refuses nothing: it was not used")
	}
}

func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{
		"./a/b c.yaml": "a/b%20c.yaml", "/x/y.yaml": "file:///x/y.yaml", "c:d.yaml": "c%3Ad.yaml", "a/c:d": "a/c:d", "100%": "100%25",
	} {
		if got := fileURI(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// A reader of JUnit XML that others use reads what was meant.
func TestJUnit(t *testing.T) {
	suites, err := junit.Ingest(written(t, "junit"))
	if err != nil || len(suites) != 1 {
		t.Fatal(err, suites)
	}
	totals := suites[0].Totals
	if totals.Tests != 6 || totals.Failed != 2 || totals.Skipped != 1 || totals.Passed != 3 {
		t.Errorf("%+v", totals)
	}

	for _, c := range suites[0].Tests {
		if c.Name == "Ingress.extensions/web/shop" {
			if c.Status != junit.StatusFailed || !strings.Contains(c.Error.Error(), "for 1.25, 1.37: extensions/v1beta1 is gone") ||
				c.Properties["file"] != "deploy/web.yaml" {
				t.Errorf("%+v %v", c, c.Error)
			}
		}
	}
	if bytes.Contains(written(t, "junit"), []byte("\x01")) {
		t.Error("a character that XML does not have was written")
	}
}

// runner reads a workflow command as the runner of GitHub does (src/Runner.Common/ActionCommand.cs): the command ends at
// the first space, properties are separated by commas, the data begin behind the second colons.
var runner = regexp.MustCompile(`^::([a-z]+) ([^:]*)::(.*)$`)

func TestGitHub(t *testing.T) {
	undo := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	lines := strings.Split(strings.TrimSuffix(string(written(t, "github")), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want one for each finding that is not known: %q", len(lines), lines)
	}

	var files []string
	for _, line := range lines {
		parts := runner.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("no workflow command: %q", line)
		}
		for property := range strings.SplitSeq(parts[2], ",") {
			name, value, _ := strings.Cut(property, "=")
			if name == "file" {
				files = append(files, undo.Replace(value))
			}
		}
		if strings.Contains(parts[3], "100") && !strings.Contains(undo.Replace(parts[3]), odd) {
			t.Errorf("the message did not survive: %q", parts[3])
		}
	}
	if got := strings.Join(files, " "); got != "deploy/web.yaml a:b,c%.yaml" {
		t.Errorf("files %q", got)
	}
	if want := "::error file=deploy/web.yaml,line=12,title=api-removed::Ingress.extensions/web/shop: for 1.25, 1.37: " +
		"extensions/v1beta1 is gone; write networking.k8s.io/v1"; lines[0] != want {
		t.Errorf("%q, want %q", lines[0], want)
	}
}

// GitLab drops issues without one of these fields, or with a fingerprint that another has
// (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).
func TestGitLab(t *testing.T) {
	var issues []map[string]any
	if err := json.Unmarshal(written(t, "gitlab"), &issues); err != nil || len(issues) != 5 {
		t.Fatal(err, len(issues))
	}
	seen := map[any]bool{}
	for _, issue := range issues {
		for _, field := range []string{"description", "check_name", "fingerprint", "severity"} {
			if text, ok := issue[field].(string); !ok || text == "" {
				t.Errorf("no %s: %v", field, issue)
			}
		}
		if seen[issue["fingerprint"]] {
			t.Errorf("the fingerprint is there twice: %v", issue)
		}
		seen[issue["fingerprint"]] = true

		location, ok := issue["location"].(map[string]any)
		if !ok || strings.HasPrefix(location["path"].(string), "./") {
			t.Errorf("location %v", issue["location"])
		}
		if lines, ok := location["lines"].(map[string]any); !ok || lines["begin"].(float64) < 1 {
			t.Errorf("lines %v", location["lines"])
		}
	}

	var out bytes.Buffer
	if err := GitLab(&out, Report{}); err != nil || out.String() != "[]\n" {
		t.Errorf("nothing found: %q %v", out.String(), err)
	}
}

// Texts of objects neither end a cell nor become markup.
func TestMarkdown(t *testing.T) {
	text := string(written(t, "markdown"))
	for _, want := range []string{
		"## ❌ deploy/ for Kubernetes 1.37\n", "1 known by the baseline", "1 of the baseline are gone", "&lt;b&gt; \\| ", "@<!-- -->team",
		"| error | `Ingress.extensions/web/shop`<br>deploy/web.yaml:12 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	unescaped := regexp.MustCompile(`(^|[^\\])\|`)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") && len(unescaped.FindAllString(line, -1)) != 5 {
			t.Errorf("a row has other cells: %q", line)
		}
	}

	many := Report{Title: "x"}
	for i := range 700 {
		many.Findings = append(many.Findings, Finding{Level: Error, Subject: strconv.Itoa(i)})
	}
	var out bytes.Buffer
	if err := Markdown(&out, many); err != nil || !strings.Contains(out.String(), "… and 200 more.") {
		t.Error(out.String(), err)
	}
}

func TestJSON(t *testing.T) {
	var document Document
	if err := json.Unmarshal(written(t, "json"), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Findings) != 5 || len(document.Gone) != 1 || !document.Failed {
		t.Errorf("%+v", document)
	}
	var out bytes.Buffer
	if err := JSON(&out, Report{}); err != nil || !strings.Contains(out.String(), `"findings": []`) {
		t.Error(out.String(), err)
	}
}
