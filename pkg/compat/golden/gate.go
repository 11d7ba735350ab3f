package golden

import "slices"

// Gate is a condition that goldens and an application must meet.
type Gate string

// The gates, in the order in which they decide.
const (
	// Imports: every golden that the application reads is imported, and what it exports
	// afterwards is what was declared.
	Imports Gate = "imports"
	// Locked: no golden was edited, or dropped while it is supported.
	Locked Gate = "locked"
	// Covered: every schema that the application reads has a golden.
	Covered Gate = "versions"
	// Set: every field of a schema is set in some golden.
	Set Gate = "fields"
	// Ran: every upcast ran for some golden.
	Ran Gate = "upcasts"
	// Window: every release of the support window is still read.
	Window Gate = "window"
	// Schemas: no schema changed in a breaking way.
	Schemas Gate = "schemas"
)

// Explained is a gate with why it exists.
type Explained struct {
	Gate Gate `json:"gate"`
	// Title is what holds when the gate is passed, Why is what goes wrong without it.
	Title string `json:"title"`
	Why   string `json:"why"`
	// Source is where the rule was learned.
	Source string `json:"source"`
}

// Gates explains all gates, in the order in which they decide.
var Gates = []Explained{
	{
		Imports, "every golden imports, and comes out as declared",
		"old state that cannot be imported, or comes out changed, is state that a restore loses",
		"Kubernetes' round trip tests with after_roundtrip files; GitLab's import_export_equivalence_spec",
	},
	{
		Locked, "no golden was edited, or dropped while it is supported",
		"a golden that is made to fit the code proves nothing about the state that customers have",
		"checksums of applied migrations in Flyway and Liquibase",
	},
	{
		Covered, "every schema that is read has a golden",
		"a schema without a golden is read by code that nothing runs",
		"Sentry's ReleaseTests; Kubernetes' testdata per release",
	},
	{
		Set, "every field is set in some golden",
		"a field that is always empty can be lost without any comparison noticing",
		"Kubernetes' filled objects; GitLab's import_test_coverage_spec",
	},
	{
		Ran, "every upcast changed something in some golden",
		"an upcast that never ran fails for the first time during a restore",
		"Grafana's golden pairs per schema migration",
	},
	{
		Window, "every release of the support window is read",
		"who upgrades from a supported release must be able to take their state along",
		"Confluent's BACKWARD_TRANSITIVE; GitLab's two previous minor releases",
	},
	{
		Schemas, "no schema changed in a breaking way without an upcast",
		"a field that changes its type or its name is lost, or refused, without any code having changed",
		"buf breaking (WIRE_JSON); Confluent's schema registry",
	},
}

// Finding is one reason why a gate is not passed.
type Finding struct {
	Gate Gate `json:"gate"`
	// Release and Dataset, Schema and Field say what it is about; those that do not
	// apply are empty.
	Release string `json:"release,omitempty"`
	Dataset string `json:"dataset,omitempty"`
	Schema  string `json:"schema,omitempty"`
	Field   string `json:"field,omitempty"`
	// File is below the directory of the goldens.
	File string `json:"file,omitempty"`
	// Rule is the id of the rule of a schema that was broken.
	Rule string `json:"rule,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint"`
}

// First returns the gate that decides: the first, in the order of [Gates], that a
// finding is about. It returns "" without findings.
func First(findings []Finding) Gate {
	for _, g := range Gates {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.Gate == g.Gate }) {
			return g.Gate
		}
	}
	return ""
}
