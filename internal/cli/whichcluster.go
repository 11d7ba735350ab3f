package cli

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/restore"
)

// identify reads which cluster the target is, and compares it with the point if the point
// was taken of it.
func (o *planOptions) identify(ctx context.Context, e *env, made planned) (targetCluster, error) {
	t, err := o.which(ctx, made)
	if err != nil {
		return t, err
	}
	t.Version, t.part = made.plan.Target, made.plan.Part
	t.Source = t.ID != "" && (t.ID == made.plan.Source.ID || t.ID == made.repo.Config().Cluster.ID)
	if !t.Source {
		return t, nil
	}

	findings, err := t.compare(ctx, e, made)
	if err == nil {
		t.Since = since(made.plan, findings)
	}
	return t, err
}

// compare compares the target with the plan. It costs a read of everything that the plan has, and
// is done once for all that a command wants to know of it.
func (t *targetCluster) compare(ctx context.Context, e *env, made planned) (*restore.Findings, error) {
	if t.compared != nil {
		return t.compared, nil
	}
	bar := e.bar("comparing with the target", "objects")
	findings, err := restore.Verify(ctx, made.plan, made.cluster, made.rules, stepProgress{bar})
	bar.finish()
	if err != nil {
		return nil, err
	}
	t.compared = &findings
	return t.compared, nil
}

// which reads which cluster the target is, and what was restored to it from this repository.
func (o *planOptions) which(ctx context.Context, made planned) (targetCluster, error) {
	t, err := o.readTarget(ctx, made.config, made.cluster)
	if err != nil {
		return t, err
	}
	restores, err := made.repo.Restores()
	if err != nil {
		return t, err
	}
	for _, r := range restores {
		if t.ID != "" && r.Cluster == t.ID {
			t.Restored = append(t.Restored, r)
		}
	}
	return t, nil
}

// readTarget reads which cluster the target is. It asks no history.
func (o *clusterOptions) readTarget(ctx context.Context, config *rest.Config, cluster restore.Cluster) (targetCluster, error) {
	t := targetCluster{Context: o.contextName(), Server: server(config), Restored: []repository.Restored{}}
	system, err := cluster.Get(ctx, appbur.ObjectID{Kind: "Namespace", Name: "kube-system"}, "v1")
	switch {
	case apierrors.IsForbidden(err):
		t.unknown = err
	case err != nil:
		return t, clusterHint(fmt.Errorf("reading which cluster the target at %s is: %w", t.Server, err))
	default:
		metadata, _ := system["metadata"].(map[string]any)
		t.ID, _ = metadata["uid"].(string)
	}

	if t.Nodes, err = tally(ctx, cluster, "Node"); err != nil {
		return t, err
	}
	t.Namespaces, err = tally(ctx, cluster, "Namespace")
	return t, err
}

// tally counts the objects of a kind, nil if that is not allowed.
func tally(ctx context.Context, cluster restore.Cluster, kind string) (*int, error) {
	found, err := cluster.Existing(ctx, "v1", kind)
	switch {
	case apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, clusterHint(fmt.Errorf("counting what the target has of the kind %s: %w", kind, err))
	}
	n := len(found)
	return &n, nil
}

// since says what became of a point in its own cluster. Fields that the cluster has
// on top stay in a restore, so they are no change that it undoes.
func since(plan *restore.Plan, findings *restore.Findings) *changedSince {
	s := &changedSince{Changed: []appbur.ObjectID{}, Deleted: []appbur.ObjectID{}, Unreadable: []appbur.ObjectID{}}
	seen := map[appbur.ObjectID]bool{}
	renamed := renamedObjects(plan)

	for _, f := range findings.Findings {
		if f.Kind == restore.FindingMissing && renamed[f.Object] {
			continue // under this name it was never there
		}
		var list *[]appbur.ObjectID
		switch f.Kind {
		case restore.FindingDifferent:
			list = &s.Changed
		case restore.FindingMissing:
			list = &s.Deleted
		case restore.FindingUnreadable:
			list = &s.Unreadable
		case restore.FindingOwner, restore.FindingDangling, restore.FindingTerminating, restore.FindingStatus, restore.FindingBlocked,
			restore.FindingAdded, restore.FindingUnchangeable:
			continue
		}
		if !seen[f.Object] {
			seen[f.Object] = true
			*list = append(*list, f.Object)
		}
	}

	return s
}
