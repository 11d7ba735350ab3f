package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/deprecatedcalls"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/selection"
)

// compatResult is what is known once everything was judged.
type compatResult struct {
	compatSource
	compatWanted
	besides
	judged []verdicts.Judged
	// kept are the objects themselves, where they are still needed.
	kept []verdicts.Object
	// defined are kinds that a server which is asked may lack, because their definitions are among the objects.
	defined map[appbur.GroupKind]bool
	targets []compat.Target
	uids    []manifest.UIDPlace
	asked   []askedServer
	// calls are what audit logs say.
	calls    []deprecatedcalls.Calls
	findings findings.Report
}

// judge reads the source and judges what is selected of it. Objects are kept only for a selection, which can be resolved
// when all are known, and for a server.
func (o *compatOptions) judge(ctx context.Context, e *env, source compatSource, wanted compatWanted) (*compatResult, error) {
	made := &compatResult{compatSource: source, compatWanted: wanted}
	j := verdicts.New(source.from, wanted.versions...)
	everything := wanted.selector.Everything()
	keep := !everything || o.ask.wanted()
	var mu sync.Mutex
	var places manifest.UIDPlaces
	see := func(object verdicts.Object) {
		if source.origin != verdicts.Manifests {
			locked(&mu, func() { places.Add(object.ID, object.Content) })
		}
		j.Add(object)
	}

	var err error
	made.besides, err = source.read(ctx, func(object verdicts.Object) {
		if keep {
			locked(&mu, func() { made.kept = append(made.kept, object) })
		}
		if everything {
			see(object)
		}
	})
	if err != nil {
		return nil, err
	}
	if !everything {
		if err := made.selectKept(e, j, see); err != nil {
			return nil, err
		}
	}
	made.judged, made.targets, made.uids = j.Finish(made.status), j.Targets(), places.List()
	return made, nil
}

// selectKept judges what is selected. Definitions count for the kinds of others also when they are not.
func (r *compatResult) selectKept(e *env, j *verdicts.Judge, see func(verdicts.Object)) error {
	var objects []selection.Object
	var resources []selection.Resource
	for _, object := range r.kept {
		objects = append(objects, selectable(object.ID, object.Content))
		if resource, ok := resourceOf(object.Content); ok {
			resources = append(resources, resource)
		}
	}
	selected, err := resolveAmong(e, r.selector, objects, nil, resources)
	if err != nil {
		return err
	}

	r.kept = slices.DeleteFunc(r.kept, func(object verdicts.Object) bool {
		if selected.Holds(selectable(object.ID, object.Content)) {
			see(object)
			return false
		}
		if object.ID.Kind == "CustomResourceDefinition" {
			j.Define(object.Content)
		}
		return true
	})
	return nil
}

// status is what the index keeps of an object.
func (r *compatResult) status(id appbur.ObjectID) json.RawMessage {
	return r.index[id].Status
}

// counts counts verdicts for one of the versions.
func (r *compatResult) counts(version int) map[compat.VerdictKind]int {
	counts := map[compat.VerdictKind]int{}
	for _, j := range r.judged {
		counts[j.For[version].Kind]++
	}
	return counts
}

// title names what was judged for what.
func (r *compatResult) title() string {
	var versions []string
	for _, v := range r.versions {
		versions = append(versions, v.MinorString())
	}
	if r.path() {
		return fmt.Sprintf("%s on the way from Kubernetes %s to %s", r.name, r.since.MinorString(), versions[len(versions)-1])
	}
	return fmt.Sprintf("%s for Kubernetes %s", r.name, strings.Join(versions, ", "))
}

// judgedFor are the versions that findings are about: the release that objects come from is not one of them.
func (r *compatResult) judgedFor() ([]appbur.KubeVersion, []verdicts.Judged) {
	if !r.path() {
		return r.versions, r.judged
	}
	later := slices.Clone(r.judged)
	for i := range later {
		later[i].For = later[i].For[1:]
	}
	return r.versions[1:], later
}

// report makes findings of everything.
func (r *compatResult) report() findings.Report {
	versions, judged := r.judgedFor()
	report := findings.Report{
		Tool:     findings.Tool{Name: compatName, Version: version, Rules: verdicts.Rules},
		Title:    r.title(),
		Summary:  summary(r.counts(len(r.versions) - 1)),
		Findings: verdicts.Report(r.origin, versions, judged),
	}
	for _, j := range r.judged {
		report.Checked = append(report.Checked, findings.Subject{Name: j.ID.String(), File: j.File, Line: j.Line})
	}
	for _, chart := range r.charts {
		report.Findings = append(report.Findings, unrendered(chart.Name, chart.Path, chart.Line))
	}
	for _, server := range r.asked {
		report.Findings = append(report.Findings, server.findings(r.origin)...)
	}
	return report
}

// unrendered is the finding on templates that nobody rendered.
func unrendered(chart, path string, line int) findings.Finding {
	f := findings.Finding{
		Rule: verdicts.RuleUnrendered, Level: findings.Warning, Subject: path, File: path, Line: line,
		Message: "a template: what it makes depends on values, and was not judged", Hint: "render it first, and judge what comes out",
	}
	if chart != "" {
		f.Subject, f.File = "chart "+chart, path+"/Chart.yaml"
		f.Message = "the templates of the chart were not rendered, so they were not judged"
		f.Hint = fmt.Sprintf("helm template %s %s | %s - --to VERSION", chart, path, compatName)
	}
	return f
}

func summary(counts map[compat.VerdictKind]int) string {
	return fmt.Sprintf("%d served, %d convertible, %d lossy, %d refused, %d blocked, %d unknown",
		counts[compat.Served], counts[compat.Convertible], counts[compat.Lossy], counts[compat.Refused], counts[compat.Blocked],
		counts[compat.Unknown])
}

// verdictCounts judges a point that was loaded whole.
func verdictCounts(loaded *repository.Loaded, version appbur.KubeVersion) map[compat.VerdictKind]int {
	counts := map[compat.VerdictKind]int{}
	for _, judged := range judgedFor(loaded, version) {
		counts[judged.For[0].Kind]++
	}
	return counts
}

// judgedFor judges the objects of a restore point for a version of Kubernetes.
func judgedFor(loaded *repository.Loaded, version appbur.KubeVersion) []verdicts.Judged {
	j := verdicts.New(loaded.Meta.Cluster.Version, version)
	for _, object := range loaded.Objects {
		j.Add(verdicts.Object{ID: object.ID, Content: object.Content})
	}
	return j.Finish(func(id appbur.ObjectID) json.RawMessage { return loaded.Index[id].Status })
}
