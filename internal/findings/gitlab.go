package findings

import "io"

// The fields of a Code Quality report that GitLab reads (https://docs.gitlab.com/ci/testing/code_quality/).
type (
	gitlabIssue struct {
		Description string         `json:"description"`
		CheckName   string         `json:"check_name"`
		Fingerprint string         `json:"fingerprint"`
		Severity    string         `json:"severity"`
		Location    gitlabLocation `json:"location"`
	}
	gitlabLocation struct {
		Path  string      `json:"path"`
		Lines gitlabLines `json:"lines"`
	}
	gitlabLines struct {
		Begin int `json:"begin"`
	}
)

// GitLab writes a Code Quality report. Known findings are for information.
func GitLab(w io.Writer, r Report) error {
	issues := []gitlabIssue{}
	for _, f := range r.Findings {
		severity := map[Level]string{Error: "critical", Warning: "minor", Note: "info"}[f.Level]
		if f.Known {
			severity = "info"
		}
		file, line := f.place()
		issues = append(issues, gitlabIssue{
			Description: f.Subject + ": " + f.text(), CheckName: f.Rule, Fingerprint: f.Fingerprint, Severity: severity,
			Location: gitlabLocation{cleanPath(file), gitlabLines{line}},
		})
	}
	return writeJSON(w, issues)
}
