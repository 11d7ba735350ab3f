package findings

import (
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
)

// The parts of SARIF 2.1.0 that are written
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string     `json:"id"`
		Short   sarifText  `json:"shortDescription"`
		Full    *sarifText `json:"fullDescription,omitempty"`
		HelpURI string     `json:"helpUri,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID        string             `json:"ruleId"`
		RuleIndex     int                `json:"ruleIndex"`
		Level         string             `json:"level"`
		Message       sarifText          `json:"message"`
		Locations     []sarifLocation    `json:"locations"`
		Fingerprints  map[string]string  `json:"partialFingerprints"`
		BaselineState string             `json:"baselineState,omitempty"`
		Suppressions  []sarifSuppression `json:"suppressions,omitempty"`
		Properties    map[string]string  `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	projectURI  = "https://github.com/appbur/appbur"
)

// SARIF writes a log of SARIF 2.1.0. A known finding is suppressed. One without a file has its subject as the place:
// code scanning refuses results without any.
func SARIF(w io.Writer, r Report) error {
	run := sarifRun{ColumnKind: "utf16CodeUnits", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: r.Tool.Name, Version: r.Tool.Version, InformationURI: projectURI, Rules: []sarifRule{}}
	index := map[string]int{}
	for _, f := range r.Findings {
		if _, ok := index[f.Rule]; !ok {
			index[f.Rule] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, r.sarifRule(f.Rule))
		}
		run.Results = append(run.Results, f.sarif(index[f.Rule]))
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func (r Report) sarifRule(id string) sarifRule {
	rule := sarifRule{ID: id, Short: sarifText{id}}
	if i := slices.IndexFunc(r.Tool.Rules, func(each Rule) bool { return each.ID == id }); i >= 0 {
		known := r.Tool.Rules[i]
		rule.Short.Text, rule.HelpURI = known.Title, known.Link
		if known.Why != "" {
			rule.Full = &sarifText{known.Why}
		}
	}
	return rule
}

func (f Finding) sarif(rule int) sarifResult {
	file, line := f.place()
	result := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: string(f.Level), Message: sarifText{f.Subject + ": " + f.text()},
		Locations: []sarifLocation{{
			Physical: sarifPhysical{sarifArtifact{fileURI(file)}, sarifRegion{line}},
			Logical:  []sarifLogical{{f.Subject, "resource"}},
		}},
		Fingerprints: map[string]string{"appbur/v1": f.Fingerprint},
	}
	if f.Source != "" {
		result.Properties = map[string]string{"source": f.Source}
	}
	if f.Known {
		result.BaselineState = "unchanged"
		result.Suppressions = []sarifSuppression{{"external", "in the baseline"}}
	}
	return result
}

// fileURI is a relative reference for a relative path, else a file URI.
func fileURI(file string) string {
	file = cleanPath(file)
	escaped := (&url.URL{Path: file}).EscapedPath()
	if strings.HasPrefix(file, "/") {
		return "file://" + escaped
	}
	// A colon in the first part would look like a scheme.
	first, rest, more := strings.Cut(escaped, "/")
	first = strings.ReplaceAll(first, ":", "%3A")
	if more {
		return first + "/" + rest
	}
	return first
}

// cleanPath has no ./ before it, as GitHub and GitLab want it.
func cleanPath(file string) string { return path.Clean(strings.ReplaceAll(file, "\\", "/")) }
