package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// undoPoint is what a restore saved before it wrote, nil if nothing was saved.
type undoPoint struct {
	repository.Undo
	repo *repository.Repository
	keys *keyring.Keys
	gone bool
}

// id is that of the undo point, "" if there is none.
func (u *undoPoint) id() appbur.RestorePointID {
	if u == nil || u.gone {
		return ""
	}
	return u.ID
}

// everyObject are the rules without those that leave objects out: what is brought back is
// whatever was changed.
func everyObject(rules *manifest.Rules) (*manifest.Rules, error) {
	return manifest.NewRules(manifest.Set{Fields: rules.Fields(), Secrets: rules.Secrets()})
}

// beginUndo saves what a restore is about to change or delete, and the names of what it makes. A
// machine that cannot write undo points can still restore what changes nothing that exists.
func (e *env) beginUndo(ctx context.Context, o *restoreOptions, made planned, target targetCluster) (*undoPoint, error) {
	if o.noUndo {
		return nil, nil
	}
	bar := e.bar("saving what will be changed", progress.Uncounted)
	defer bar.finish()
	rules, err := everyObject(made.rules)
	if err != nil {
		return nil, err
	}
	u := &undoPoint{repo: made.repo}
	writer, unable := u.begin(e, o, target)
	if writer != nil {
		defer writer.Discard()
	}

	existing := 0
	touched, err := restore.Touch(ctx, made.plan, made.cluster, made.rules, func(live map[string]any) error {
		existing++
		if writer == nil {
			return nil
		}
		result, err := rules.Make(live)
		if err == nil {
			err = result.Failure
		}
		if err != nil {
			return fmt.Errorf("it cannot be saved before it is changed: %w", err)
		}
		return writer.Put(result)
	})
	switch {
	case err != nil:
		return nil, appbur.WithHint(clusterHint(err), "pass --no-undo to restore without an undo point")
	case unable != nil && existing > 0:
		return nil, fmt.Errorf("an undo point of the %s that it changes cannot be made, and --no-undo was not given: %w",
			count(existing, "object"), unable)
	case unable != nil:
		e.warn("this restore cannot be undone by appbur undo: %v", unable)
		return nil, nil
	case existing+len(touched.Absent) == 0:
		return nil, nil
	}

	u.Undo, err = writer.Save(ctx, repository.Undo{
		Created: e.now(), Cluster: appbur.Cluster{ID: target.ID, Version: made.plan.Target}, Server: target.Server, Rules: made.rules.Version(),
		Point: made.plan.Point, Part: partText(made.plan.Part), Owners: touched.Owners, Absent: madeObjects(touched.Absent),
		Apps: importedApps(o, made),
	})
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("saving what will be changed: %w", err), "pass --no-undo to restore without an undo point")
	}
	return u, nil
}

// begin starts to write, or says why that cannot be.
func (u *undoPoint) begin(e *env, o *restoreOptions, target targetCluster) (*repository.UndoWriter, error) {
	if target.ID == "" {
		return nil, &usageError{errors.New("which cluster it would be of is not known, because the account may not get the namespace kube-system")}
	}
	dir, err := o.keysDir(e, u.repo)
	if err != nil {
		return nil, err
	}
	if u.keys, err = keyring.Load(dir); err != nil {
		return nil, err
	}
	return u.repo.BeginUndo(u.keys, e.rand, e.now)
}

func importedApps(o *restoreOptions, made planned) []string {
	var names []string
	for _, app := range made.plan.Apps {
		for _, name := range o.words.AppsAlso {
			if name == app.String() {
				names = append(names, name)
			}
		}
	}
	return names
}

func madeObjects(list []restore.Made) []repository.MadeObject {
	objects := make([]repository.MadeObject, len(list))
	for i, m := range list {
		objects[i] = repository.MadeObject{Object: m.Object, APIVersion: m.APIVersion, UID: m.UID}
	}
	return objects
}

// finish notes what the restore made. One that changed nothing has nothing to undo, and neither has
// one that failed before anything was written.
func (u *undoPoint) finish(ctx context.Context, e *env, report restore.Report, written bool) {
	if u == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	list := make([]repository.MadeObject, 0, report.Counts.Created)
	for _, outcome := range report.Outcomes {
		if outcome.UID != "" {
			list = append(list, repository.MadeObject{Object: outcome.Object, APIVersion: outcome.APIVersion, UID: outcome.UID})
		}
	}

	var err error
	changed := len(list) + report.Counts.Configured + report.Counts.Deleted + report.Counts.Failed
	u.gone = !written || report.Remaining == 0 && changed == 0
	if u.gone {
		err = u.repo.DropUndo(ctx, u.Undo)
	} else if report.Remaining == 0 {
		err = u.repo.NoteMade(ctx, u.keys, u.Undo, list)
	}
	if err != nil {
		e.warn("the undo point does not say what the restore made, and appbur undo goes by what was not there before: %v", err)
	}
}
