package audit

import "encoding/json"

// replacedBy is the version that a patch insists to replace, "" for none. It is a JSON patch, a merge patch, a strategic
// merge patch or what is applied; the event does not say which.
func replacedBy(text json.RawMessage) (replaced string) {
	var operations []struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	if json.Unmarshal(text, &operations) == nil {
		for _, o := range operations {
			if version, ok := o.Value.(string); ok && o.Path == "/metadata/resourceVersion" && (o.Op == "test" || o.Op == "replace") {
				replaced = version
			}
		}
		return notAny(replaced)
	}

	var merge struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if json.Unmarshal(text, &merge) != nil {
		return ""
	}
	return notAny(merge.Metadata.ResourceVersion)
}

// notAny is a version; "0" stands for any.
func notAny(version string) string {
	if version == "0" {
		return ""
	}
	return version
}
