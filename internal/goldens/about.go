package goldens

import (
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
)

// policies are the words for what an import does with fields that a schema does not name.
var policies = map[contract.UnknownFields]string{contract.ReportUnknown: "report", contract.RefuseUnknown: "refuse"}

// aboutOf is what an application says about itself, without what changes from one start to
// the next.
func aboutOf(info contract.Info) golden.About {
	about := golden.About{App: info.App, Version: info.Version}
	for _, d := range info.Datasets {
		dataset := golden.Dataset{
			Name: d.Name, Schema: d.Schema, Reads: d.Reads, MediaType: d.MediaType, Key: d.Key, Sensitive: d.Sensitive,
			Required: d.Required, DependsOn: d.DependsOn, Upcasts: apps.Upcasts(d), UnknownFields: policies[d.UnknownFields],
		}
		for _, f := range d.Defaults {
			dataset.Defaults = append(dataset.Defaults, golden.Default{Field: f.Field, Value: f.Value})
		}
		about.Datasets = append(about.Datasets, dataset)
	}
	return about
}
