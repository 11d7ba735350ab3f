package manifest

import "slices"

// CustomVersions is what a cluster knew of the versions of one custom resource. An
// upgrade or a restore needs it to see whether old objects can be read.
type CustomVersions struct {
	// Served are the versions that clients could use, in the order of the definition.
	Served []string `json:"served,omitempty"`
	// Deprecated are those of them that the definition declares deprecated.
	Deprecated []string `json:"deprecated,omitempty"`
	// Storage is the version that new objects were stored at.
	Storage string `json:"storage,omitempty"`
	// Stored are the versions that objects may have been stored at.
	Stored []string `json:"stored,omitempty"`
	// Conversion is the strategy, None or Webhook.
	Conversion string `json:"conversion,omitempty"`
}

// CustomVersions returns the versions of a CustomResourceDefinition. ok is false for
// other objects.
func (e Entry) CustomVersions() (versions CustomVersions, ok bool) {
	if e.Versions == nil {
		return CustomVersions{}, false
	}
	return *e.Versions, true
}

// StoredVersions returns the versions that objects of a CustomResourceDefinition
// may be stored at, nil for other objects.
func (e Entry) StoredVersions() ([]string, error) {
	var versions []string
	_, err := e.Field("status.storedVersions", &versions)
	return versions, err
}

// versionsOf reads a CustomResourceDefinition in its form of v1, or of v1beta1, which
// may have a single version only. It returns nil for other objects.
func versionsOf(o *object) *CustomVersions {
	if o.id.GroupKind() != definitionKind {
		return nil
	}
	spec, _ := o.content["spec"].(map[string]any)
	status, _ := o.content["status"].(map[string]any)
	conversion, _ := spec["conversion"].(map[string]any)
	v := &CustomVersions{Conversion: "None"}

	for _, version := range mapsIn(spec["versions"]) {
		name, _ := version["name"].(string)
		if served, _ := version["served"].(bool); served {
			v.Served = append(v.Served, name)
		}
		if deprecated, _ := version["deprecated"].(bool); deprecated {
			v.Deprecated = append(v.Deprecated, name)
		}
		if storage, _ := version["storage"].(bool); storage {
			v.Storage = name
		}
	}

	if single, _ := spec["version"].(string); single != "" && !slices.Contains(v.Served, single) && len(mapsIn(spec["versions"])) == 0 {
		v.Served, v.Storage = []string{single}, single
	}
	if strategy, _ := conversion["strategy"].(string); strategy != "" {
		v.Conversion = strategy
	}

	stored, _ := status["storedVersions"].([]any)
	for _, each := range stored {
		if name, ok := each.(string); ok {
			v.Stored = append(v.Stored, name)
		}
	}

	return v
}
