// Package configuration is the file that says how a cluster is backed up unattended: which repository and which cluster,
// when commits are made, what is pushed, and what is logged. It reads text and makes values; it opens no file.
//
//	file, err := configuration.Parse(data, nil, nil) // an error is a [settings.Error], with all that is wrong
//	file.Value.Watch.Quiet                           // 2s, unless the file says something else
//
// [Table] is the only description of the file. The parser, the JSON schema, the explanations and the rendered document
// are made of it (internal/settings).
//
// # Adding a section
//
// Say that the daemon gets a listener for metrics. In a new file, metrics.go, write the struct and its table:
//
//	// Metrics says where the daemon shows what it measures.
//	type Metrics struct{ Listen string }
//
//	var metricsTable = settings.Object(
//		settings.Field("listen", settings.Text("address", "an address such as :9090"),
//			func(m *Metrics) *string { return &m.Listen }, "",
//			settings.About{Text: "…", Without: "nothing is shown", Example: ":9090", Since: version, Effect: settings.Restart}),
//	)
//
// Then give [Configuration] a field of that type and [Table] a row:
//
//	settings.Section("metrics", metricsTable, func(c *Configuration) *Metrics { return &c.Metrics },
//		settings.About{Text: "…", Since: version}),
//
// A list of objects, such as schedules with names, is a settings.Elements with a settings.ListOf. What several settings
// must be together is a rule (rules.go). Afterwards write docs/configuration.schema.json anew (go test
// ./internal/configuration -update), add the section to examples/configuration/appbur.yaml, and, where the command line
// has a flag for it, give the table of flags a row (internal/cli/runflags.go): tests refuse what is forgotten. A
// setting with the effect [settings.AtOnce] has to be obeyed by the code that takes reloaded settings
// (internal/cli/reload.go).
package configuration
