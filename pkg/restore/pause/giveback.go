package pause

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// giveBack gives fields back to who had them before our last write, which made a version of the object. It is repeated
// while others write the status, as controllers do at once after what they act on has changed. If somebody else has
// written the object in between, it has its fields, and nothing is given back.
func giveBack(ctx context.Context, cluster restore.Cluster, id appbur.ObjectID, before map[string]any, version string) {
	apiVersion, _ := before["apiVersion"].(string)
	current := before // of its entries only those of the status count
	for range mostRaces {
		request := restore.Request{By: restore.ByMerge, Object: id, APIVersion: apiVersion, Content: owners(id, before, current, version)}
		_, err := cluster.Apply(ctx, request)
		if !apierrors.IsConflict(err) {
			return
		}
		if current, err = cluster.Get(ctx, id, apiVersion); err != nil || !onlyWeWrote(before, current) {
			return
		}
		version, _ = lookup(current, []string{"metadata", "resourceVersion"}).(string)
	}
}

// owners is the merge patch that has an object managed as it was before, and its status as it is now.
func owners(id appbur.ObjectID, before, current map[string]any, version string) map[string]any {
	entries := slices.Concat(
		slices.DeleteFunc(managers(before), isOfStatus),
		slices.DeleteFunc(managers(current), func(entry any) bool { return !isOfStatus(entry) }),
	)
	metadata := map[string]any{"name": id.Name, "resourceVersion": version, "managedFields": entries}
	if id.Namespace != "" {
		metadata["namespace"] = id.Namespace
	}
	return map[string]any{"apiVersion": before["apiVersion"], "kind": before["kind"], "metadata": metadata}
}

func managers(object map[string]any) []any {
	entries, _ := lookup(object, []string{"metadata", "managedFields"}).([]any)
	return slices.Clone(entries)
}

func isOfStatus(entry any) bool { return lookup(entry, []string{"subresource"}) != nil }

// onlyWeWrote reports whether nobody else has written more than the status since. An entry has the time of the last write
// of its manager.
func onlyWeWrote(before, current map[string]any) bool {
	writer := func(entry any) [3]any {
		return [3]any{lookup(entry, []string{"manager"}), lookup(entry, []string{"operation"}), lookup(entry, []string{"time"})}
	}
	known := make(map[[3]any]bool)
	for _, entry := range managers(before) {
		known[writer(entry)] = true
	}
	return !slices.ContainsFunc(managers(current), func(entry any) bool {
		return !isOfStatus(entry) && lookup(entry, []string{"manager"}) != restore.FieldManager && !known[writer(entry)]
	})
}
