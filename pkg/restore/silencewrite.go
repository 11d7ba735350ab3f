package restore

import (
	"context"
	"reflect"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// rewrite changes a configuration, and who manages its fields stays as it was: the change is for a
// while, and whoever applies the configuration must not find it taken. The mark is there from the first
// write to the last, so that whatever is interrupted is found. It fails for one that is not there.
func (s Silencer) rewrite(ctx context.Context, id appbur.ObjectID, change func(live map[string]any) (map[string]any, error)) error {
	cluster := Patient(s.Cluster)
	for race := 1; ; race++ {
		live, err := cluster.Get(ctx, id, ConfigurationVersion)
		if err != nil {
			return err
		}
		after, err := change(live)
		if err != nil || reflect.DeepEqual(after, live) {
			return err
		}
		if err = s.replace(ctx, cluster, id, live, after); !isRaced(err) || race == maxAttempts {
			return err
		}
		if err := backoff.Sleep(ctx, delay(race, 0)); err != nil {
			return err
		}
	}
}

// replace writes webhooks, and then who manages them.
func (s Silencer) replace(ctx context.Context, cluster Cluster, id appbur.ObjectID, live, after map[string]any) error {
	version, mark := text(live, "metadata", "resourceVersion"), field(after, "metadata", "annotations", SilencedKey)
	hooks, managers := list(after, "webhooks"), withoutSilence(list(live, "metadata", "managedFields"))
	marks := map[string]any{SilencedKey: mark}
	if !reflect.DeepEqual(hooks, list(live, "webhooks")) {
		first := map[string]any{}
		if mark != nil {
			first["annotations"] = marks
		}
		answer, err := cluster.Apply(ctx, mergeConfiguration(id, version, first, hooks))
		if err != nil {
			return err
		}
		version = answer.ResourceVersion
	}

	last := map[string]any{"annotations": marks}
	if len(managers) > 0 {
		last["managedFields"] = managers
	}
	_, err := cluster.Apply(ctx, mergeConfiguration(id, version, last, nil))
	if mark != nil && isRaced(err) {
		return nil // it is silent, and whoever has written it in between has its fields
	}
	return err
}

// withoutSilence leaves out of managedFields what an interrupted silence has left there: an entry of ours
// for nothing but policies and the mark.
func withoutSilence(managers []any) []any {
	return slices.DeleteFunc(slices.Clone(managers), func(entry any) bool {
		return isOurUpdate(entry) && onlySilence(dict(entry, "fieldsV1"))
	})
}

func onlySilence(fields map[string]any) bool {
	for key, below := range fields {
		inner, _ := below.(map[string]any)
		switch {
		case key == "f:"+SilencedKey || key == "f:failurePolicy" || key == ".":
		case len(inner) == 0 || !onlySilence(inner):
			return false
		}
	}
	return true
}

// mergeConfiguration is a merge patch of a configuration that nobody has written since it was read.
func mergeConfiguration(id appbur.ObjectID, version string, metadata map[string]any, hooks []any) Request {
	metadata["name"], metadata["resourceVersion"] = id.Name, version
	content := map[string]any{"apiVersion": ConfigurationVersion, "kind": id.Kind, "metadata": metadata}
	if hooks != nil {
		content["webhooks"] = hooks
	}
	return Request{By: ByMerge, Object: id, APIVersion: ConfigurationVersion, Content: content}
}
