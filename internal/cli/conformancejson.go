package cli

import (
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// conformanceAnswer is what --json prints; its fields are in docs/json.md.
type conformanceAnswer struct {
	App           string              `json:"app"`
	Version       string              `json:"version"`
	Passed        int                 `json:"passed"`
	Failed        int                 `json:"failed"`
	NotOffered    int                 `json:"notOffered"`
	NotApplicable int                 `json:"notApplicable"`
	NotRun        int                 `json:"notRun"`
	Missing       []string            `json:"missing"`
	Cases         []conformanceResult `json:"cases"`
}

type conformanceResult struct {
	ID      string   `json:"id"`
	Level   string   `json:"level"`
	Title   string   `json:"title"`
	Outcome string   `json:"outcome"`
	Skip    string   `json:"skip,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Seconds float64  `json:"seconds"`
}

func conformanceJSON(info contract.Info, report contracttest.Report) conformanceAnswer {
	a := conformanceAnswer{
		App: info.App, Version: info.Version, Passed: report.Count(contracttest.Passed), Failed: report.Count(contracttest.Failed),
		NotOffered: report.CountSkipped(contracttest.NotOffered), NotApplicable: report.CountSkipped(contracttest.NotApplicable),
		NotRun: report.CountSkipped(contracttest.NotRun), Missing: append([]string{}, report.Missing()...),
	}
	for _, r := range report.Results {
		c := conformanceResult{
			ID: r.ID, Level: string(r.Level), Title: r.Title, Outcome: string(r.Outcome), Skip: string(r.Skip),
			Notes: r.Notes, Seconds: r.Duration.Seconds(),
		}
		if r.Err != nil {
			c.Reason = oneLine(r.Err.Error())
		}
		a.Cases = append(a.Cases, c)
	}
	return a
}
