package restore

import (
	"encoding/json"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// shapeRule changes what is sent so that it can be created. Manifests are
// portable already; these rules put back what makes sense again once other
// objects are restored too, and take out what would do harm if a manifest had it.
type shapeRule struct {
	name   string
	reason string
	kind   appbur.GroupKind // the zero value for every kind
	shape  func(content map[string]any, in shaping) (map[string]any, error)
}

// shaping is what a rule may know besides the content.
type shaping struct {
	entry manifest.Entry
	// has reports whether an object of the point will be restored.
	has func(id appbur.ObjectID) bool
	// uid returns the uid that an object of the point had in the source.
	uid func(id appbur.ObjectID) string
	// note is for people, about the object.
	note func(kind NoteKind, format string, args ...any)
	// statusApart is true when status is written through its own subresource.
	statusApart bool
}

var shapeRules = []shapeRule{
	{
		name:   "identity",
		reason: "the server gives these, and an owner reference with an old uid gets the object deleted",
		shape: func(content map[string]any, _ shaping) (map[string]any, error) {
			for _, key := range []string{
				"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
				"deletionGracePeriodSeconds", "selfLink", "managedFields", "ownerReferences", "generateName",
			} {
				content = without(content, "metadata", key)
			}
			return without(content, "status"), nil
		},
	},
	{
		name:   "status-inline",
		reason: "a custom resource without a status subresource keeps its status like any other field",
		shape: func(content map[string]any, in shaping) (map[string]any, error) {
			if in.statusApart || in.entry.Status == nil {
				return content, nil
			}
			status, err := decodeStatus(in.entry)
			if err != nil {
				return nil, err
			}
			return with(content, status, "status"), nil
		},
	},
	{
		name:   "namespace-finalizers",
		reason: "the server sets them at create and accepts changes through a subresource only",
		kind:   kindNamespace,
		shape: func(content map[string]any, _ shaping) (map[string]any, error) {
			return without(content, "spec", "finalizers"), nil
		},
	},
	{
		name:   "claim-volume",
		reason: "a claim is bound to its old volume when that volume is restored as well, and to a new one otherwise",
		kind:   kindClaim,
		shape: func(content map[string]any, in shaping) (map[string]any, error) {
			name, err := in.entry.VolumeName()
			if err != nil {
				return nil, err
			}
			if name == "" {
				name = text(content, "spec", "volumeName")
			}
			if name == "" || !in.has(appbur.ObjectID{Kind: kindVolume.Kind, Name: name}) {
				return without(content, "spec", "volumeName"), nil
			}
			return with(content, name, "spec", "volumeName"), nil
		},
	},
	{
		name:   "volume-claim",
		reason: "a volume waits for its claim by name; the uid of the old claim would keep the new one out, and keeps strangers out when there is none",
		kind:   kindVolume,
		shape:  shapeVolume,
	},
	{
		name:   "aggregated-role",
		reason: "the rules of an aggregated role belong to the controller that collects them",
		kind:   appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
		shape: func(content map[string]any, _ shaping) (map[string]any, error) {
			if content["aggregationRule"] == nil {
				return content, nil
			}
			return without(content, "rules"), nil
		},
	},
}

// shape runs every rule that is about the object.
func shape(id appbur.ObjectID, content map[string]any, in shaping) (map[string]any, error) {
	for _, rule := range shapeRules {
		if rule.kind != (appbur.GroupKind{}) && rule.kind != id.GroupKind() {
			continue
		}
		var err error
		if content, err = rule.shape(content, in); err != nil {
			return nil, fmt.Errorf("preparing it (%s): %w", rule.name, err)
		}
	}
	return content, nil
}

// decodeStatus returns the status that the index keeps, integers as integers.
// It is mostly a map, but to the API server it may be any value.
func decodeStatus(entry manifest.Entry) (any, error) {
	decoded, err := manifest.Decode(json.RawMessage(`{"status":` + string(entry.Status) + `}`))
	if err != nil {
		return nil, fmt.Errorf("status in the index: %w", err)
	}
	return decoded["status"], nil
}

// statusContent is what is sent to a status subresource.
func statusContent(apiVersion string, id appbur.ObjectID, status any) map[string]any {
	metadata := map[string]any{"name": id.Name}
	if id.Namespace != "" {
		metadata["namespace"] = id.Namespace
	}
	return map[string]any{"apiVersion": apiVersion, "kind": id.Kind, "metadata": metadata, "status": status}
}
