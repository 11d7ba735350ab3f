// Package findings says what a check found, in every form that a pipeline reads: one value, [Finding], and its writers.
//
//	report := findings.Report{
//		Tool:     findings.Tool{Name: "appbur compat cluster", Version: version, Rules: rules},
//		Checked:  []findings.Subject{{Name: "Deployment.apps/web/shop", File: "shop.yaml", Line: 1}},
//		Findings: []findings.Finding{{Rule: "api-removed", Level: findings.Error, Subject: "…", Message: "…"}},
//	}
//	report.Seal()                                   // order and fingerprints: once, when everything is in it
//	report.Apply(baseline)                          // what is in a baseline is known, what is gone from it is told
//	err := findings.Writers["sarif"](w, report)     // json, junit, sarif, github, gitlab, markdown
//	failed := report.Fails()                        // an error that is not known
//
// The command line of it, --output, --baseline and --write-baseline, is in internal/cli (reportflags.go): a command says
// how its table is printed, and gets the rest.
//
// # Rules
//
// The id of a rule is stable: baselines, and people who silence a rule, keep it. It begins with what it is about:
//
//	api-      an API version, by the lifecycle table
//	object-   the verdict on an object
//	crd-      a definition, and what it says of its objects
//	client-   who still calls an API version
//	helm-     a release, or a chart
//	server-   what a real API server says
//	payload-  golden payloads and schemas of applications
//
// # Fingerprints
//
// A fingerprint is made of the rule, the subject and the detail (an API version, the path of a field), and counts how often
// the three are there. No file, no line and no sentence is in it: moving an object to another file, editing what is around
// it, or another wording of a later release leave a finding known.
//
// The package is pure: it writes to what it is given.
package findings
