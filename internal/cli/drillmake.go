package cli

import (
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/pkg/restore"
)

// report says what came out.
func (d *drill) report(earlier []drillreport.Earlier) drillreport.Report {
	r := drillreport.Report{
		Format: drillreport.Format, ID: string(d.id), Outcome: drillreport.Passed, Why: append([]string{}, d.why...),
		By: d.by(), Began: d.began, Ended: d.e.now(), RecoverySeconds: d.recovery.Seconds(), Phases: d.phases,
		Apps: []drillreport.App{}, Checks: append([]drillreport.Check{}, d.checks...), Lists: []drillreport.List{}, Earlier: earlier,
	}
	if len(r.Why) > 0 {
		r.Outcome = drillreport.Failed
	}
	r.Point = drillreport.Point{ID: d.chosen.ref.ID, Commit: d.chosen.ref.Commit.String(), SignedBy: d.chosen.trust.Signer}
	r.Target = drillreport.Target{Started: d.cluster != nil, Programs: d.programs, Name: d.watch.target.name(), Cluster: d.watch.target.ID}
	if d.cluster != nil {
		controllers := d.cluster.HasControllers()
		r.Target.Controllers, r.Target.Name, r.Target.Kubernetes = &controllers, "throwaway", d.cluster.Version
	}
	if d.watch.made.plan == nil {
		if meta, err := d.repo.Describe(d.chosen.ref); err == nil {
			d.describe(&r, meta)
		}
		return r
	}

	d.describe(&r, d.watch.made.loaded.Meta)
	r.Point.Part = partText(d.watch.made.plan.Part)
	r.Target.Kubernetes = d.watch.made.plan.Target
	d.objects(&r)
	for _, saved := range d.watch.made.plan.Apps {
		r.Apps = append(r.Apps, d.app(saved))
	}
	return r
}

// describe says what the point is.
func (d *drill) describe(r *drillreport.Report, meta appbur.RestorePoint) {
	r.Point.Manifests, r.Point.Captured = meta.Manifests, capturedAt(meta)
	r.Point.Cluster, r.Point.Kubernetes, r.Point.Partial = meta.Cluster.ID, meta.Cluster.Version, meta.Partial
	r.RecoveryPointSeconds = d.began.Sub(r.Point.Captured).Seconds()
}

// by says who runs the drill.
func (d *drill) by() drillreport.By {
	by := drillreport.By{Release: version, Trigger: d.trigger}
	by.Host, _ = os.Hostname()
	if who, err := user.Current(); err == nil {
		by.User = who.Username
	}
	return by
}

// objects says what became of them.
func (d *drill) objects(r *drillreport.Report) {
	plan, counts := d.watch.made.plan, d.watch.report.Counts
	r.Objects = drillreport.Objects{
		Created: counts.Created, Configured: counts.Configured, Unchanged: counts.Unchanged, Skipped: counts.Skipped, Failed: counts.Failed,
		Converted: counts.Converted,
	}
	add := func(title string, objects []drillreport.Object) {
		if len(objects) > 0 {
			r.Lists = append(r.Lists, drillreport.NewList(title, objects))
		}
	}
	if d.compared != nil {
		r.Objects.Compared, r.Objects.Different = d.compared.Cluster.Checked, len(d.compared.Cluster.Findings)
		r.Objects.LeftOut = len(d.compared.Cluster.LeftOut)
		add("Findings of the comparison", foundObjects(d.compared.Cluster.Findings))
	}
	add("Failed", failedObjects(d.watch.report.Failures()))
	var blocked []drillreport.Object
	for _, step := range plan.Blocked() {
		blocked = append(blocked, drillreport.Object{Object: step.Object.String(), What: []string{step.Why}})
	}
	add("The target cannot have", blocked)
	lost, converted := changedObjects(plan)
	add("Lost in conversion", lost)
	add("Converted for the target", converted)

	var silenced []drillreport.Object
	for _, one := range d.watch.silenced {
		silenced = append(silenced, drillreport.Object{Object: one.Configuration.String(), What: one.Webhooks})
	}
	add("Webhooks that were silenced, because nothing in the target answers for them", silenced)
	if d.compared != nil {
		var paused []drillreport.Object
		for _, id := range d.compared.Paused {
			paused = append(paused, drillreport.Object{Object: id.String()})
		}
		add("Restored paused, as every drill does", paused)
	}
}

// foundObjects names fields and who wrote them, and no values: a report is kept where everybody reads it.
func foundObjects(findings []restore.Finding) []drillreport.Object {
	var objects []drillreport.Object
	for _, f := range findings {
		what := strings.TrimSpace(string(f.Kind) + " " + f.Path)
		if len(f.Managers) > 0 {
			what += ", written by " + strings.Join(f.Managers, ", ")
		}
		objects = append(objects, drillreport.Object{Object: f.Object.String(), What: []string{what}})
	}
	return objects
}

// failedObjects give the reason, but for Secrets: a server may quote what it refuses.
func failedObjects(failures []restore.Outcome) []drillreport.Object {
	var objects []drillreport.Object
	for _, f := range failures {
		what := f.Reason
		if f.Object.Kind == "Secret" {
			what = "the reason is not kept, because it may quote the Secret"
		}
		objects = append(objects, drillreport.Object{Object: f.Object.String(), What: []string{what}})
	}
	return objects
}

// changedObjects are those that the plan converts, and of them those that lose something.
func changedObjects(plan *restore.Plan) (lost, converted []drillreport.Object) {
	for _, step := range plan.Steps {
		if step.Action != restore.ActionApply {
			continue
		}
		object := drillreport.Object{Object: step.Object.String()}
		loses := drillreport.Object{Object: step.Object.String()}
		if from := step.Details().From; from != "" {
			object.What = append(object.What, from+" becomes "+step.APIVersion)
		}
		for _, change := range step.Details().Changes {
			if change.Lost {
				loses.What = append(loses.What, change.Path+": "+change.What)
			} else if change.Path != "apiVersion" {
				object.What = append(object.What, change.Path+": "+change.What)
			}
		}
		if len(object.What) > 0 {
			converted = append(converted, object)
		}
		if len(loses.What) > 0 {
			lost = append(lost, loses)
		}
	}
	return lost, converted
}

// app says what became of an application.
func (d *drill) app(saved appbur.AppState) drillreport.App {
	app := drillreport.App{
		App: saved.AppKey, Result: "not imported", Saved: saved.App + " " + saved.Version,
		Datasets: []drillreport.Dataset{}, Differences: []string{},
	}
	if started := d.apps.find(saved.AppKey); started != nil {
		app.Command = strings.Join(started.declared.Command, " ")
	}
	imported := map[string]restore.ImportedDataset{}
	at := slices.IndexFunc(d.watch.report.Apps, func(a restore.AppOutcome) bool { return a.App == saved.AppKey })
	if at >= 0 {
		outcome := d.watch.report.Apps[at]
		app.Reason = outcome.Reason
		if outcome.Result == restore.Failed {
			app.Result = "failed"
		}
		if done := outcome.Imported; done != nil {
			app.Now = done.App + " " + done.Version
			for _, dataset := range done.Datasets {
				imported[dataset.Name] = dataset
			}
			if outcome.Reason == "" {
				app.Result = "imported"
			}
		}
	}

	for _, d := range saved.Datasets {
		now := imported[d.Name]
		dataset := drillreport.Dataset{
			Name: d.Name, Rows: d.Rows, Bytes: d.Size, SchemaFrom: d.Schema, SchemaTo: now.SchemaTo, Dropped: now.Dropped, Defaulted: now.Filled,
			Uncompared: now.Uncompared,
		}
		if !d.Sensitive {
			dataset.Digest = d.Digest.String()
		}
		app.Datasets = append(app.Datasets, dataset)
	}
	if d.compared == nil {
		return app
	}
	for _, compared := range d.compared.Apps {
		if compared.App != saved.String() {
			continue
		}
		app.Differences = append(app.Differences, compared.Differences...)
		app.Equal = compared.Error == "" && len(compared.Differences) == 0
		if compared.Error != "" {
			app.Reason = strings.TrimPrefix(app.Reason+"; not compared: "+compared.Error, "; ")
		}
	}
	return app
}
