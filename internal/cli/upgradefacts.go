package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/upgrade"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
)

// facts reads what an upgrade meets: from the restore point, and from the new applications that were named.
func (o *upgradeOptions) facts(ctx context.Context, e *env, version appbur.KubeVersion) (upgrade.Facts, error) {
	f := upgrade.Facts{To: version}
	rules := pauseOptions{activate: string(restore.ActivateLater), rulesFile: o.rulesFile}
	if err := rules.read(); err != nil {
		return f, err
	}
	targets, dialer, err := o.applications()
	if err != nil {
		return f, err
	}
	dialer.Programs = e.programs(o.restConfig, nil)
	c, err := o.repositoryOptions.point(e, o.point)
	if err != nil {
		return f, err
	}
	loaded, err := e.loadPoint(ctx, c, nil)
	if err != nil {
		return f, err
	}

	f.Point = loaded.Meta
	point := pointOf(loaded)
	f.Counts, f.Objects = upgradeObjects(judgedFor(loaded, version))
	if f.Acting, err = actingOf(point, rules.rules); err != nil {
		return f, err
	}
	f.Clients = clientsOf(loaded, version)
	f.Apps, err = e.newApps(ctx, dialer, targets, loaded.Meta.Apps)
	return f, err
}

// upgradeObjects counts the verdicts, and returns the objects whose verdict somebody has to read.
func upgradeObjects(judged []verdicts.Judged) (map[compat.VerdictKind]int, []upgrade.Object) {
	counts, objects := map[compat.VerdictKind]int{}, []upgrade.Object{}
	for _, j := range judged {
		verdict := j.For[0]
		counts[verdict.Kind]++
		if verdict.Kind == compat.Served {
			continue
		}
		what := verdict.Reason
		for _, r := range verdict.Refusals {
			what += "; " + r.String()
		}
		for _, change := range verdict.Changes {
			what += "; " + strings.TrimPrefix(change.Path+": ", ": ") + change.What
		}
		objects = append(objects, upgrade.Object{
			Object: j.ID.String(), Verdict: verdict.Kind, What: strings.TrimPrefix(what, "; "), Hint: verdict.Hint,
		})
	}
	return counts, objects
}

// actingOf is what of the old cluster has to stop, by the rules of a restore.
func actingOf(point restore.Point, rules []pause.Rule) ([]upgrade.Acting, error) {
	acting := []upgrade.Acting{}
	paused, err := pause.Pauses{Rules: rules, Activate: restore.ActivateLater}.Apply(point, pause.Target{})
	if err != nil || paused.Pausing == nil {
		return acting, err
	}
	for _, c := range paused.Pausing.Controllers {
		one := upgrade.Acting{Controller: c.Controller, Objects: len(c.Objects)}
		for _, id := range c.Objects[:min(shownNames, len(c.Objects))] {
			one.Some = append(one.Some, id.String())
		}
		acting = append(acting, one)
	}
	return acting, nil
}

// clientsOf are those that use API versions which the new Kubernetes does not serve.
func clientsOf(loaded *repository.Loaded, version appbur.KubeVersion) []string {
	clients := []string{}
	for _, use := range oldUses(loaded.Evidence, loaded.Index, version) {
		text := use.Who + " " + use.Name
		if use.Objects > 0 {
			text = fmt.Sprintf("%s (%s)", text, count(use.Objects, "object"))
		}
		clients = append(clients, strings.TrimSpace(text)+": "+use.API)
	}
	return clients
}

// newApps asks the new versions of the saved applications what they read.
func (e *env) newApps(ctx context.Context, dialer apps.Dialer, targets []apps.Target, saved []appbur.AppState) ([]upgrade.App, error) {
	for _, target := range targets {
		if !slices.ContainsFunc(saved, func(s appbur.AppState) bool { return s.AppKey == target.AppKey }) {
			return nil, &notFoundError{appbur.WithHint(fmt.Errorf("the restore point has no state of %s", target.AppKey),
				"`appbur points show` lists the applications of a restore point")}
		}
	}

	found := []upgrade.App{}
	for _, state := range saved {
		app := upgrade.App{Application: state.AppKey, Saved: strings.TrimSpace(state.App + " " + state.Version)}
		var info contract.Info
		if at := slices.IndexFunc(targets, func(t apps.Target) bool { return t.AppKey == state.AppKey }); at >= 0 {
			bar := e.bar("asking "+state.String(), progress.Uncounted)
			says, err := apps.Describe(ctx, dialer, targets[at])
			bar.finish()
			switch {
			case ctx.Err() != nil:
				return nil, err
			case err != nil:
				app.Problem = err.Error()
			case says.App != state.App:
				app.Problem = fmt.Sprintf("%s answers at the address, which is another application than %s", says.App, state.App)
			default:
				info = says.Info
				app.New, app.Address = says.App+" "+says.Version, targets[at].Address
			}
		}
		for _, d := range state.Datasets {
			app.Datasets = append(app.Datasets, readBy(info, d, app.New != ""))
		}
		found = append(found, app)
	}
	return found, nil
}

// readBy says what the new version of an application makes of a dataset that was saved.
func readBy(info contract.Info, saved appbur.Dataset, asked bool) upgrade.Dataset {
	d := upgrade.Dataset{Name: saved.Name, Schema: saved.Schema}
	if !asked {
		return d
	}
	at := slices.IndexFunc(info.Datasets, func(i contract.DatasetInfo) bool { return i.Name == saved.Name })
	if at < 0 {
		d.Problem = "it has no such dataset"
		return d
	}
	reader := info.Datasets[at]
	d.Reads, d.Becomes = reader.Reads, reader.Schema

	writes, errWrites := payload.ParseVersion(reader.Schema)
	reads, errReads := payload.ParseRange(reader.Reads)
	was, errWas := payload.ParseVersion(saved.Schema)
	if errWrites != nil || errReads != nil || errWas != nil {
		d.Problem = fmt.Sprintf("schema %s cannot be compared with what it reads (%s)", saved.Schema, reader.Reads)
		return d
	}
	switch payload.Judge(writes, reads, was) {
	case payload.Newer:
		d.Problem = fmt.Sprintf("schema %s is newer than what it reads (%s)", saved.Schema, reader.Reads)
	case payload.Outside:
		d.Problem = fmt.Sprintf("schema %s is older than what it reads (%s)", saved.Schema, reader.Reads)
	case payload.Older:
		d.Changes = changesFrom(reader.Upcasts, saved.Schema)
	case payload.Same:
	}
	return d
}

// changesFrom are the changes that an application declares on the way from a schema to its own.
func changesFrom(steps []contract.UpcastInfo, schema string) []string {
	var changes []string
	for range steps { // each is gone at most once
		at := slices.IndexFunc(steps, func(s contract.UpcastInfo) bool { return s.From == schema })
		if at < 0 {
			break
		}
		for _, c := range steps[at].Changes {
			text := string(c.Op) + " " + c.Path
			if c.To != "" {
				text += " to " + c.To
			}
			if c.Reason != "" {
				text += " (" + c.Reason + ")"
			}
			changes = append(changes, text)
		}
		schema = steps[at].To
	}
	return changes
}
